# aws-calls.py: the program `aws`, loaded once for many calls; started by aws-cli.sh.
# SPDX-License-Identifier: MIT
#
# usage: PYTHON aws-calls.py CALLS     PYTHON is the interpreter that the program names in its first line
#
# A line of the FIFO CALLS names a folder: `words` has the working folder and the arguments, `env` the environment, each
# ended by a zero byte. The call's output goes to `out` and `err` there, its exit status to the FIFO `status`.
# Each call has a driver and a session of its own, as if the program had been started for it; what they share are the
# program's modules and what it has read of its models of the services.
import os
import sys
import traceback

before = dict(os.environ)
import awscli
import awscli.clidriver as cli
# The program tells itself by the environment where its data is.
OWN = {name: value for name, value in os.environ.items() if before.get(name) != value}


def words_of(path):
    with open(path, 'rb') as file:
        return [os.fsdecode(word) for word in file.read().split(b'\0')[:-1]]


def redirect(number, path):
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, number)
    os.close(file)


def call(folder, shared):
    redirect(1, os.path.join(folder, 'out'))
    redirect(2, os.path.join(folder, 'err'))
    os.environ.clear()
    os.environ.update(pair.split('=', 1) for pair in words_of(os.path.join(folder, 'env')))
    os.environ.update(OWN)
    where, *words = words_of(os.path.join(folder, 'words'))
    os.chdir(where)
    sys.argv[1:] = words
    driver = cli.create_clidriver()
    for loader in shared[:1]:
        driver.session.register_component('data_loader', loader)
    # Since version 2 the failures of a call are told by what is around the driver.
    entry = cli.AWSCLIEntryPoint(driver) if hasattr(cli, 'AWSCLIEntryPoint') else driver
    status = entry.main(words)
    shared.append(driver.session.get_component('data_loader'))
    return status


def answer(folder, shared):
    status = 125
    try:
        status = call(folder, shared)
    except SystemExit as end:
        status = end.code
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    with open(os.path.join(folder, 'status'), 'w', encoding='ascii') as file:
        file.write('%d\n' % (status or 0))


def serve(calls):
    shared = []
    print('ready aws-cli/%s' % awscli.__version__, flush=True)
    with os.fdopen(os.open(calls, os.O_RDWR), 'r') as lines:
        for line in lines:
            answer(line.rstrip('\n'), shared)


serve(sys.argv[1])

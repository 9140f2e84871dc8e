/*
 * engine-lock.c: tests of the lock on a run.
 * SPDX-License-Identifier: MIT
 */
#include "t/engine.h"

#include "engine/lock.h"

#include <signal.h>
#include <stdio.h>

#define BY "ana@db1"

static void
is_had_by_one_at_a_time(void **state)
{
    struct cairn_error err = { 0 };
    struct lock *first = NULL;
    struct lock *second = NULL;
    struct lock *other = NULL;
    char *pid = alloc_printf("drive run 01a: process %d of " BY ", since 2", (int)getpid());

    assert_fine(lock_take(&first, *state, "01a", BY, &err), &err);
    assert_error(lock_take(&second, *state, "01a", "bob@db1", &err), &err, CAIRN_ERR_CONFLICT, pid);
    assert_fine(lock_take(&other, *state, "01b", "bob@db1", &err), &err);
    lock_drop(first);
    assert_fine(lock_take(&second, *state, "01a", "bob@db1", &err), &err);
    lock_drop(second);
    lock_drop(other);
    lock_drop(NULL);
    free(pid);
}

static void
tells_its_holder_without_being_taken(void **state)
{
    struct cairn_error err = { 0 };
    struct lock *lock = NULL;
    char *who = (char *)"";

    assert_fine(lock_holder(&who, *state, "01a", &err), &err);
    assert_null(who);
    assert_fine(lock_take(&lock, *state, "01a", BY, &err), &err);
    assert_fine(lock_holder(&who, *state, "01a", &err), &err);
    assert_non_null(who);
    assert_non_null(strstr(who, "of " BY ", since 2"));
    free(who);
    lock_drop(lock);
    assert_fine(lock_holder(&who, *state, "01a", &err), &err);
    assert_null(who);
}

/* A child takes it and says so; what it started with exec goes on when it is killed. */
static pid_t
take_in_child(const char *dir, pid_t *grandchild)
{
    int said[2];
    pid_t pid;

    assert_int_equal(pipe(said), 0);
    pid = fork();
    if (pid == 0) {
        struct cairn_error err = { 0 };
        struct lock *lock = NULL;
        pid_t sleeper = -1;

        if (lock_take(&lock, dir, "01a", BY, &err) == 0)
            sleeper = fork();
        if (sleeper == 0) {
            execl("/bin/sleep", "sleep", "60", (char *)NULL);
            _exit(127);
        }
        if (write(said[1], &sleeper, sizeof(sleeper)) != sizeof(sleeper))
            _exit(1);
        for (;;)
            pause();
    }
    close(said[1]);
    assert_int_equal(read(said[0], grandchild, sizeof(*grandchild)), sizeof(*grandchild));
    close(said[0]);
    assert_true(*grandchild > 0);
    return pid;
}

/* The sleeper holds the lock between its fork and its exec: the kernel can't tell that apart. */
static void
wait_for_exec(pid_t pid)
{
    char *path = alloc_printf("/proc/%d/comm", (int)pid);
    char name[32] = "";

    for (int i = 0; i < 2000 && strncmp(name, "sleep", 5) != 0; i++) {
        FILE *f = fopen(path, "re");

        if (!f || !fgets(name, sizeof(name), f))
            name[0] = '\0';
        if (f)
            fclose(f);
        usleep(5000);
    }
    assert_memory_equal(name, "sleep", 5);
    free(path);
}

static void
is_free_when_its_process_is_killed_although_a_child_lives_on(void **state)
{
    struct cairn_error err = { 0 };
    struct lock *lock = NULL;
    pid_t grandchild = -1;
    pid_t pid = take_in_child(*state, &grandchild);

    wait_for_exec(grandchild);
    assert_error(lock_take(&lock, *state, "01a", BY, &err), &err, CAIRN_ERR_CONFLICT, "drives it");
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(kill(grandchild, 0), 0);
    assert_fine(lock_take(&lock, *state, "01a", BY, &err), &err);
    lock_drop(lock);
    kill(grandchild, SIGKILL);
}

/* Many take and drop it: never two at once, and nobody fails for another reason. */
static void
is_taken_by_one_of_many(void **state)
{
    char *path = alloc_printf("%s/inside", (char *)*state);
    pid_t pids[4];

    for (size_t i = 0; i < 4; i++) {
        pids[i] = fork();
        if (pids[i] != 0)
            continue;
        for (int k = 0; k < 200; k++) {
            struct cairn_error err = { 0 };
            struct lock *lock = NULL;

            if (lock_take(&lock, *state, "01a", BY, &err) < 0) {
                if (err.kind != CAIRN_ERR_CONFLICT)
                    _exit(2);
                continue;
            }
            if (mkdir(path, 0700) < 0 || rmdir(path) < 0)
                _exit(3);
            lock_drop(lock);
        }
        _exit(0);
    }
    for (size_t i = 0; i < 4; i++) {
        int status = -1;

        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    free(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_DIR(is_had_by_one_at_a_time),
        TEST_IN_DIR(tells_its_holder_without_being_taken),
        TEST_IN_DIR(is_free_when_its_process_is_killed_although_a_child_lives_on),
        TEST_IN_DIR(is_taken_by_one_of_many),
    };

    return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}

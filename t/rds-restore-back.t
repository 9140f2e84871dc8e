#!/bin/sh
# rds-restore-back.t: a restore can be taken back up to the deletion of the old database, and by its names, too.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
. "$SRC/t/restore.sh"

# What must be as before. Not compared: what only ever grows, the snapshots that were taken, and where the answers of
# what was deleted are kept. Of secrets in Secrets Manager, which hold JSON here, the current version counts.
compare() { # FILE
    perl -MJSON::PP -e '
        sub strip {
            my ($v) = @_;
            if (ref $v eq "HASH") {
                delete @$v{qw(events last versions annotations generation snapshots backups)};
                strip($_) for values %$v;
            } elsif (ref $v eq "ARRAY") {
                strip($_) for @$v;
            }
        }
        local $/;
        my $world = decode_json(<>);
        for my $versions (values %{ $world->{secretsmanager} }) {
            my ($current) = grep { grep { $_ eq "AWSCURRENT" } @{ $_->{stages} } } @$versions;
            $versions = decode_json($current->{value});
        }
        strip($world);
        print JSON::PP->new->canonical->pretty->encode($world);
    ' "$1"
}

as_before() {
    test "$(shown state)" = rolled_back
    world >after.json
    compare before.json >want
    compare after.json >got
    diff -u want got
    test "$(changed_twice)" = 0
}

EXAMPLE=restore
it 'rejected before anybody is led over, nothing is left but the safety snapshot' '
    use_world restore
    world >before.json
    until_asked "Lead everybody over" run_flow
    cairn reject @last --comment "not today"
    must_fail 4 cairn resume @last --no-input >run.log 2>&1
    answered cairn rollback @last --no-input >run.log 2>&1 || { tail -n 30 run.log; exit 1; }
    as_before
    test "$(look --count after.json rds snapshots)" = 5
'
it 'taken back in the soak, everybody is led back, and what was written to the new database is in a last snapshot' '
    use_world restore
    world >before.json
    printf "#!/bin/sh\necho \"\$1\" >>%s/told\n" "$T" >tell
    printf "#!/bin/sh\ntail -n 1 %s/told | grep -qx \"\$1\" || exit 1\n" "$T" >is-told
    chmod +x tell is-told
    echo "exec: { programs: [./tell, ./is-told] }" >>cairn.yaml
    until_asked "Delete the old database" run_flow -p "address_program={\"set\":[\"./tell\",\"{address}\"],\"check\":[\"./is-told\",\"{address}\"]}"
    answered cairn rollback @last --no-input >run.log 2>&1 || { tail -n 30 run.log; exit 1; }
    as_before
    sed "s/-restore-[^.]*/-restore-RUN/; s/\..*//" told | tr "\n" " " >got
    test "$(cat got)" = "app5ec7032-restore-RUN app5ec7032 "
    look --keys after.json rds snapshots | grep -q "app5ec7032-restore-RUN-cairn-RUN-final"
'
it 'a test that fails after everybody was led over stops the run, and a rollback leads them back' '
    use_world restore
    world >before.json
    fails_its_test
    answered cairn rollback @last --no-input >run.log 2>&1 || { tail -n 30 run.log; exit 1; }
    as_before
'
it 'behind a proxy, its target becomes the new database, and the old one again by a rollback' '
    in_world "s/^  snapshots:/  proxies:
    planx-proxy:
      instance: app5ec7032
      role_arn: arn:aws:iam::239043911459:role\/proxy
      subnets: [subnet-1, subnet-2]
      auth: [{ secret_arn: \"arn:aws:secretsmanager:eu-west-2:239043911459:secret:a\" }]
\$&/m"
    use_world restore
    world >before.json
    until_asked "Delete the old database" run_flow -p proxy=planx-proxy -p secrets=[] -p lambdas=[]
    world >now.json
    test "$(look now.json rds proxies planx-proxy targets 0 id)" = \
        "$(look now.json rds instances app5ec7032-restore-RUN resource_id)"
    answered cairn rollback @last --no-input >run.log 2>&1 || { tail -n 30 run.log; exit 1; }
    as_before
'

EXAMPLE=restore-swap
it 'a test that fails after the swap stops the run; when it passes, a resume goes on, and nothing is done twice' '
    rm -f world.yaml
    use_world restore-swap
    fails_its_test
    world >now.json
    test "$(look --keys now.json rds instances)" = "appfb2a31c appfb2a31c-original-RUN"
    echo yes >works
    answered cairn resume @last --no-input >run.log 2>&1
    reported "tried in appfb2a31c" | grep -x "tests passed: 1"
    world >now.json
    test "$(look --keys now.json rds instances)" = appfb2a31c
    test "$(changed_twice)" = 0
'
it 'taken back after the swap, each has its name again, and the proxy its target' '
    in_world "s/^  snapshots:/  proxies:
    planx-proxy:
      instance: appfb2a31c
      role_arn: arn:aws:iam::239043911459:role\/proxy
      subnets: [subnet-1, subnet-2]
      auth: [{ secret_arn: \"arn:aws:secretsmanager:eu-west-2:239043911459:secret:a\" }]
\$&/m"
    use_world restore-swap
    world >before.json
    until_asked "Delete the old database" run_flow -p proxy=planx-proxy
    world >now.json
    test "$(look now.json rds proxies planx-proxy targets 0 id)" = \
        "$(look now.json rds instances appfb2a31c resource_id)"
    answered cairn rollback @last --no-input >run.log 2>&1 || { tail -n 30 run.log; exit 1; }
    as_before
'
it 'a name that stays in use for longer than the engine waits is tried for again' '
    in_world "s/^rds:/durations: { name_in_use: 40m }\n\nrds:/m"
    use_world restore-swap
    answered run_flow -p delete_old=false >run.log 2>&1 || { tail -n 30 run.log; exit 1; }
    world >after.json
    test "$(look --keys after.json rds instances)" = "appfb2a31c appfb2a31c-original-RUN"
    ledger | grep -c "ModifyDBInstance appfb2a31c-restore-RUN" >got
    test "$(cat got)" = 2
'
it 'when the original is gone, the database comes back under its own name at once' '
    in_world "s/^  instances:\n.*?^  snapshots:/  snapshots:
    newest: { source: appfb2a31c, resource_id: db-GONE, version: \"16.3\", class: db.t3.small, type: automated }/ms;
        s/^    (rds:|before-release).*\n//mg"
    use_world restore-swap
    settings="{\"class\":\"db.t3.small\",\"security_groups\":[\"sg-0b1c2d3e4f5a60007\"],\"subnet_group\":\"planx-private\""
    settings="$settings,\"parameter_group\":\"planx-postgres16\",\"multi_az\":false,\"log_exports\":[\"upgrade\"]}"
    answered run_flow -p "settings=$settings" >run.log 2>&1 || { tail -n 30 run.log; exit 1; }
    ledger >got
    cat >want <<END
rds RestoreDBInstanceFromDBSnapshot appfb2a31c
rds ModifyDBInstance appfb2a31c
END
    diff -u want got
    world >after.json
    test "$(look after.json rds instances appfb2a31c deletion_protection)" = true
    test "$(look after.json rds instances appfb2a31c group)" = planx-postgres16
    reported "settings that differ, explained" | grep -q "nobody says what it was"
'
stop_sim
finish

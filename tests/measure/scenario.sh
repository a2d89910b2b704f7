#!/usr/bin/env bash
# What a portal does with a session from its first byte to its tombstone, as curl: each step goes to another of three
# members, and what they answer is looked at. The first step that is not answered as it should be ends it.
#
#   scenario.sh TOKEN RECORDING MAILS MEMBER MEMBER MEMBER
#
# TOKEN is a file with an administrator's token, RECORDING a recording of guacd (not compressed), MAILS the file into which
# the mail server of the members writes each mail as a line of JSON, MEMBER the address of a member's API.
set -euo pipefail
administrator=$(cat "$1") recording=$2 mails=$3 members=("$4" "$5" "$6")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
step=0

fail() { echo "step $step: $*" >&2; exit 1; }
ok() { step=$((step + 1)); echo "$step. $*"; }

# The next member.
at() { turn=$(((${turn:-0} + 1) % 3)); member=${members[$turn]}; }

# call TOKEN STATUS METHOD PATH [curl's arguments]: on the next member; the answer stands in $work/answer.
call() {
    local token=$1 expected=$2 method=$3 path=$4 status
    at
    status=$(curl -sS --max-time 60 -o "$work/answer" -D "$work/head" -w '%{http_code}' -X "$method" \
        -H "Authorization: Bearer $token" "${@:5}" "$member/v1$path")
    [ "$status" = "$expected" ] || fail "$method $path on $member: $status, not $expected: $(head -c 600 "$work/answer")"
}

# is FILTER VALUE: what the answer says.
is() {
    local found
    found=$(jq -r "$1" "$work/answer")
    [ "$found" = "$2" ] || fail "$1 is $found, not $2"
}

# header NAME: of the answer.
header() { tr -d '\r' <"$work/head" | awk -F': ' -v name="$1" 'tolower($1) == name { print $2 }'; }

# until_is TOKEN PATH FILTER VALUE: asks again, for a minute.
until_is() {
    for _ in $(seq 240); do
        call "$1" 200 GET "$2"
        [ "$(jq -r "$3" "$work/answer")" = "$4" ] && return
        sleep 0.25
    done
    fail "$2: $3 does not become $4: $(head -c 600 "$work/answer")"
}

# until_answers TOKEN STATUS METHOD PATH [curl's arguments]: asks each member until it answers so, for a while.
until_answers() {
    for url in "${members[@]}"; do
        for _ in $(seq 240); do
            status=$(curl -sS --max-time 60 -o "$work/answer" -D "$work/head" -w '%{http_code}' -X "$3" \
                -H "Authorization: Bearer $1" "${@:5}" "$url/v1$4")
            [ "$status" = "$2" ] && break
            sleep 0.25
        done
        [ "$status" = "$2" ] || fail "$3 $4 on $url stays $status, not $2"
    done
}

pieces=(-H 'Tus-Resumable: 1.0.0' -H 'Content-Type: application/offset+octet-stream')
length=$(stat -c %s "$recording") half=$(($(stat -c %s "$recording") / 2))
head -c "$half" "$recording" >"$work/first"
tail -c +$((half + 1)) "$recording" >"$work/rest"

call "$administrator" 201 POST /tokens --json '{"kind":"recorder","subject":"pam-proxy"}'
recorder=$(jq -r .token "$work/answer")
session='{"protocol":"ssh","format":"guacamole","device_address":"10.0.0.7","credential_user":"root","user_name":"grace",
    "user_address":"192.0.2.1","start_ms":1760000000000}'
call "$recorder" 201 POST /sessions --json "$session" -H 'Idempotency-Key: "first"'
id=$(jq -r .id "$work/answer")
call "$recorder" 201 POST /sessions --json "$session" -H 'Idempotency-Key: "first"'
is .id "$id"
ok "a session is opened once, although it is asked for twice, on two members"

call "$recorder" 204 PATCH "/sessions/$id/recording" "${pieces[@]}" -H 'Upload-Offset: 0' --data-binary "@$work/first"
call "$recorder" 200 HEAD "/sessions/$id/recording" --head
[ "$(header upload-offset)" = "$half" ] || fail "the durable offset is $(header upload-offset), not $half"
call "$recorder" 204 PATCH "/sessions/$id/recording" "${pieces[@]}" -H "Upload-Offset: $half" --data-binary "@$work/rest"
ok "its recording of $length bytes is appended on two members, the second goes on where the first ended"

call "$administrator" 200 GET "/sessions/$id"
is .session_info.state live
call "$administrator" 409 GET "/sessions/$id/logs"
is .type urn:custody:problem:session-not-ended
ok "while it is live it has no log"

ending='{"end":"finished","end_ms":1760000060000,"length":'$length'}'
call "$recorder" 200 POST "/sessions/$id/seal" --json "$ending"
root=$(jq -r .root "$work/answer")
until_is "$administrator" "/sessions/$id" .session.index_state ready
is .session_info.state finished
is .session.size_bytes "$length"
is .session.root "$root"
call "$administrator" 200 GET "/sessions/$id/recording"
cmp -s "$work/answer" "$recording" || fail "another recording is served than was sent"
ok "it is sealed, and another member serves its report and the bytes that were sent"

call "$administrator" 200 GET /audit/keys
cp "$work/answer" "$work/keys"
call "$administrator" 200 GET "/sessions/$id/evidence"
tar -xf "$work/answer" -C "$work"
cmp -s "$work/evidence-$id/recording.guacamole" "$recording" || fail "the evidence is of another recording"
signer=$((turn + 1))
key=$(jq -r ".[] | select(.member == $signer) | .verifier_key" "$work/keys")
sh "$work/evidence-$id/verify.sh" --key "$key" >"$work/verified" 2>&1 || fail "$(cat "$work/verified")"
[ "$(tail -n 1 "$work/verified")" = OK ] || fail "$(cat "$work/verified")"
ok "its evidence is exported and verified by the script in it with the key that a member has told"

call "$recorder" 201 POST /sessions --json "$session"
live=$(jq -r .id "$work/answer")
call "$recorder" 204 PATCH "/sessions/$live/recording" "${pieces[@]}" -H 'Upload-Offset: 0' --data-binary "@$work/first"
call "$administrator" 200 PUT "/sessions/$live/block" --json '{"reason":"odd"}' -H 'If-Match: *'
until_answers "$recorder" 403 HEAD "/sessions/$live/recording" --head
[ "$(header custody-session)" = blocked ] || fail "the recorder is not told that the session is blocked"
call "$recorder" 403 PATCH "/sessions/$live/recording" "${pieces[@]}" -H "Upload-Offset: $half" --data-binary "@$work/rest"
is .type urn:custody:problem:session-blocked
[ "$(header upload-offset)" = "$length" ] || fail "what a blocked session sends is not kept"
call "$administrator" 200 DELETE "/sessions/$live/block"
until_answers "$recorder" 200 HEAD "/sessions/$live/recording" --head
ok "a live session is blocked and let on again: its recorder hears of it on every member, and nothing is lost"

call "$administrator" 200 POST "/sessions/$live/drop" --json '{"reason":"enough"}'
until_answers "$recorder" 410 HEAD "/sessions/$live/recording" --head
call "$recorder" 410 PATCH "/sessions/$live/recording" "${pieces[@]}" -H "Upload-Offset: $length" --data-binary 4.sync
is .type urn:custody:problem:session-dropped
is .detail "You have been disconnected"
until_is "$administrator" "/sessions/$live" .session.recording_state sealed
is .session_info.state dropped
is .session.size_bytes "$length"
ok "it is dropped: its user is shown \"You have been disconnected\", and what was acknowledged is sealed"

call "$administrator" 403 POST "/sessions/$id/videos" --json '{}'
call "$administrator" 200 PUT /parameters/video_download_enabled -H 'If-Match: *' --json '{"value":true}'
call "$administrator" 202 POST "/sessions/$id/videos" --json '{"notify":["ada@example.org"]}'
video=$(jq -r .id "$work/answer")
until_is "$administrator" "/videos/$video" .state ready
size=$(jq -r .size_bytes "$work/answer")
ok "a video is refused until it is allowed, then asked for and made: $size bytes"

for _ in $(seq 240); do
    mail=$(jq -sr '[.[] | select(.to == ["ada@example.org"])] | first | .text // empty' "$mails")
    [ -n "$mail" ] && break
    sleep 0.25
done
[ -n "$mail" ] || fail "no mail came"
[ "$(jq -sr '[.[] | select(.to == ["ada@example.org"])] | length' "$mails")" = 1 ] || fail "more than one mail came"
ok "one mail says that it can be downloaded"

first=$((size / 3))
call "$administrator" 206 GET "/videos/$video/content" -H "Range: bytes=0-$((first - 1))"
tag=$(header etag)
cp "$work/answer" "$work/video.mp4"
call "$administrator" 206 GET "/videos/$video/content" -H "Range: bytes=$first-" -H "If-Range: $tag"
cat "$work/answer" >>"$work/video.mp4"
call "$administrator" 200 GET "/videos/$video/content"
cmp -s "$work/answer" "$work/video.mp4" || fail "the parts of two members are not the whole of the third"
codec=$(ffprobe -v error -select_streams v -show_entries stream=codec_name -of csv=p=0 "$work/video.mp4")
[ "$codec" = av1 ] || fail "the video holds $codec"
told=$(ffprobe -v error -show_entries format_tags -of json "$work/video.mp4" |
    jq -r '.format.tags | "\(.title), \(.CUSTODY_SESSION), \(.CUSTODY_ROOT)"')
[ "$told" = "ssh 10.0.0.7 – grace, $id, $root" ] || fail "the video says of itself: $told"
ok "a download that broke off on one member is gone on with on another, and is what the third serves"

call "$recorder" 201 POST /sessions --json "$session"
other=$(jq -r .id "$work/answer")
call "$recorder" 204 PATCH "/sessions/$other/recording" "${pieces[@]}" -H 'Upload-Offset: 0' --data-binary "@$recording"
call "$recorder" 200 POST "/sessions/$other/seal" --json "$ending"
call "$administrator" 201 POST /tokens --json '{"kind":"user","subject":"eve"}'
eve=$(jq -r .token "$work/answer")
call "$eve" 404 GET /sessions
call "$administrator" 200 PUT "/sessions/$id/auditors" -H 'If-Match: *' --json '{"auditors":["eve"]}'
call "$eve" 200 GET /sessions
is '[.sessions[].id] | join(" ")' "$id"
call "$eve" 404 GET "/sessions/$other"
call "$eve" 403 GET "/sessions/$id/keystrokes"
call "$eve" 403 GET "/sessions/$id/evidence"
call "$eve" 200 GET "/sessions/$id/timeline"
ok "an auditor of one session sees one session, and nothing that was typed"

call "$administrator" 201 POST "/sessions/$id/holds" --json '{"justification":"inquiry 12"}'
hold=$(jq -r .id "$work/answer")
call "$administrator" 409 POST "/sessions/$id/purge" --json '{"reason":"asked by the user"}'
is .type urn:custody:problem:session-held
call "$administrator" 200 DELETE "/sessions/$id/holds/$hold?reason=closed" -H 'If-Match: *'
ok "a hold with a justification keeps it from being purged until it is released"

call "$administrator" 202 POST "/sessions/$id/purge" --json '{"reason":"asked by the user"}'
for _ in 1 2 3; do
    call "$administrator" 200 GET "/sessions/$id"
    is .tombstone.root "$root"
    is .tombstone.size_bytes "$length"
    is .tombstone.videos 1
    for path in "/sessions/$id/recording" "/sessions/$id/keystrokes" "/videos/$video/content"; do
        call "$administrator" 410 GET "$path"
    done
done
call "$administrator" 200 GET "/sessions/$other"
is .session_info.state finished
ok "it is purged on every member: a tombstone with its root stays, and the other session"

call "$administrator" 200 GET "/audit?object=session/$id&limit=1000"
for action in session-opened session-ended PAM.SessionManagement.PreventPurge PAM.SessionManagement.ReleaseHold \
    PAM.SessionManagement.Purge; do
    is "[.leaves[] | select(.action == \"$action\")] | length > 0" true
done
ok "the audit log says who did it"

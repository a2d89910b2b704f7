#!/bin/sh
# Checks what an auditor has exported from Custody, without Custody:
#
#   sh verify.sh [--key VERIFIER_KEY] [FOLDER]
#
# FOLDER is the unpacked export, the one of this script without it. VERIFIER_KEY is the key of the member that signed it, as
# GET /v1/audit/keys has shown it to you before: without it you have to compare the key that is told at the end.
# Needs openssl 3 and python3, and nothing besides. Exit status 0: all holds. 1: a line says what does not, and where.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
for tool in openssl python3; do
    command -v "$tool" >/dev/null || { echo "$tool is needed" >&2; exit 2; }
done
exec python3 -I "$here/verify.py" "$@"

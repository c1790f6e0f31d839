#!/bin/sh
# Check a bundle of tiermark with openssl and coreutils alone: sh contrib/check.sh ROOT, in the bundle's folder.
# ROOT is the fingerprint of the producer's root key: 64 hex digits, from outside this bundle.
# Prints one line for each thing that holds; ends with status 1 at the first that does not.
set -eu
root=${1:?usage: sh contrib/check.sh ROOT-FINGERPRINT}
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { printf 'DOES NOT HOLD: %s\n' "$*" >&2; exit 1; }
holds() { printf 'holds: %s\n' "$*"; }
hash() { sha256sum | cut -c1-64; }
kid() { openssl pkey -pubin -in "$1" -outform DER | hash; }
field() { sed -n 's/.*"'"$1"'":"\([^"]*\)".*/\1/p' "$2" | head -n 1; }

# Takes an envelope apart: body, sig, pae, keyid.
open_envelope() {
    sed 's/.*"payload":"\([^"]*\)".*/\1/' "$1" | base64 -d > "$work/body"
    sed 's/.*"sig":"\([^"]*\)".*/\1/' "$1" | base64 -d > "$work/sig"
    { printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(wc -c < "$work/body" | tr -d ' ')"; cat "$work/body"; } > "$work/pae"
    keyid=$(field keyid "$1")
}

doc_id() { { printf 'tiermark/v1/doc\0'; openssl dgst -sha256 -binary "$work/pae"; cat "$work/sig"; } | hash; }

signed_by() {
    openssl pkeyutl -verify -rawin -pubin -inkey "$1" -in "$work/pae" -sigfile "$work/sig" > /dev/null 2>&1 ||
        fail "the signature of $2"
}

# Every key has the name that its bytes give it.
for key in keys/*.pub.pem; do
    name=${key##*-}
    case $(kid "$key") in "${name%.pub.pem}"*) ;; *) fail "the name of $key" ;; esac
done
holds "every key bears its own name"

# Parties are signed by their own roots; what they declare is noted as "use kid root".
: > "$work/declared"
trusted=no
for doc in docs/party-*.dsse.json; do
    open_envelope "$doc"
    of=$(sed -n 's/.*"subject":\[{"digest":{"sha256":"\([0-9a-f]*\)".*/\1/p' "$work/body")
    pem="keys/root-$(printf %s "$of" | cut -c1-16).pub.pem"
    [ "$(kid "$pem")" = "$of" ] || fail "the root of $doc"
    signed_by "$pem" "$doc"
    [ "$of" = "$root" ] && trusted=yes
    # A key stands in the canonical text as "kid":"..","pub":"..","to":..,"use":"..": one use to each kid.
    grep -o '"kid":"[0-9a-f]*","pub":"[^"]*","to":[^,]*,"use":"[a-z]*"' "$work/body" |
        sed 's/"kid":"\([0-9a-f]*\)".*"use":"\([a-z]*\)"/\2 \1 '"$of"'/' >> "$work/declared"
done
[ $trusted = yes ] || fail "the bundle holds no document of the root $root"
holds "every party is signed by its own root, and the trusted root is among them"

# Every other document: signed by a key that its issuer declares, under the id that its name begins with.
for doc in docs/*.dsse.json finding.dsse.json; do
    case $doc in docs/party-*) continue ;; esac
    open_envelope "$doc"
    case $doc in
        docs/receipt-*) issuer=$(field recipient "$work/body") ;;
        finding*) issuer=$(field examiner "$work/body") ;;
        *) issuer=$(field issuer "$work/body") ;;
    esac
    pem="keys/sign-$(printf %s "$keyid" | cut -c1-16).pub.pem"
    if grep -q "^sign $keyid $issuer\$" "$work/declared"; then
        [ "$(kid "$pem")" = "$keyid" ] || fail "the key of $doc"
        signed_by "$pem" "$doc"
    else
        case $doc in docs/revocation-*) signed_by "keys/root-$(printf %s "$issuer" | cut -c1-16).pub.pem" "$doc" ;;
        *) fail "the key of $doc is not declared by its issuer" ;; esac
    fi
    id=$(doc_id)
    case $doc in
        docs/*) short=${doc##*-}; case $id in "${short%.dsse.json}"*) ;; *) fail "the id of $doc" ;; esac ;;
    esac
    printf '%s %s\n' "$id" "$doc" >> "$work/ids"
done
holds "every document is signed by a key that its issuer declares, and has the id that it is filed under"

# The finding names every file by its hash.
open_envelope finding.dsse.json
cp "$work/body" "$work/finding"
sed 's/.*"files":\[\([^]]*\)\].*/\1/' "$work/finding" | grep -o '"name":"[^"]*","sha256":"[0-9a-f]*"' |
    sed 's/"name":"\([^"]*\)","sha256":"\([0-9a-f]*\)"/\2  \1/' > "$work/sums"
[ -s "$work/sums" ] || fail "the finding names no files"
sha256sum --check --quiet --strict "$work/sums" || fail "a file is missing or changed"
holds "$(wc -l < "$work/sums" | tr -d ' ') files have the bytes that were signed"

# Custody: signed as a whole, each line with the hash of the one before.
[ "$(hash < custody.jsonl)" = "$(sed -n 's/.*"subject":\[{"digest":{"sha256":"\([0-9a-f]*\)".*/\1/p' "$work/finding")" ] ||
    fail "the custody is not the one that was signed"
prev=0000000000000000000000000000000000000000000000000000000000000000
while IFS= read -r line; do
    [ "$(printf %s "$line" | sed -n 's/.*"prev":"\([0-9a-f]*\)".*/\1/p')" = $prev ] || fail "custody: $line"
    prev=$(printf %s "$line" | hash)
done < custody.jsonl
holds "the custody is whole"

# Every mark that was read leads to a hand-over here, and every hand-over of the chain is here.
for mark in $(grep -o '"handover":"[0-9a-f]*","log10p_milli":[-0-9]*,"mark":"[0-9a-f]*"' "$work/finding" |
    sed 's/"handover":"\([0-9a-f]*\)".*"mark":"\([0-9a-f]*\)"/\1 \2/' | tr ' ' ':' | sort -u); do
    id=${mark%:*}
    case $id in "${mark#*:}"*) ;; *) fail "mark ${mark#*:} is not the beginning of $id" ;; esac
    grep -q "^$id docs/handover-" "$work/ids" || fail "hand-over $id is missing"
done
holds "every mark is the beginning of a signed hand-over"

# Upstream: a hand-over that names another one was issued by that one's recipient.
for doc in docs/handover-*.dsse.json; do
    open_envelope "$doc"
    issuer=$(field issuer "$work/body")
    for up in $(sed 's/.*"upstream":\[\([^]]*\)\].*/\1/' "$work/body" | grep -o '[0-9a-f]\{64\}' || true); do
        upper=$(sed -n "s/^$up //p" "$work/ids")
        [ -n "$upper" ] || continue
        open_envelope "$upper"
        [ "$(field recipient "$work/body")" = "$issuer" ] || fail "$doc does not follow from $upper"
    done
done
holds "every hand-over follows from the one above it"

# The log: leaf to root (RFC 9162, 2.1.3.2), and the signature of the log's owner over the checkpoint.
node() { { printf '\1'; printf %s "$1$2" | sed 's/../\\x&/g' | xargs -0 printf %b; } | hash; }
for proof in log/*.tlog-proof; do
    [ -e "$proof" ] || continue
    hash=$({ printf '\0'; cat "${proof%.tlog-proof}.leaf"; } | hash)
    sed -n '/^$/q;p' "$proof" > "$work/head"
    sed '1,/^$/d' "$proof" > "$work/note"
    index=$(sed -n 's/^index //p' "$work/head")
    size=$(sed -n 2p "$work/note")
    fn=$index; sn=$((size - 1))
    for line in $(sed '1,/^index /d' "$work/head"); do
        beside=$(printf %s "$line" | base64 -d | od -An -v -tx1 | tr -d ' \n')
        if [ $((fn & 1)) = 1 ] || [ "$fn" = "$sn" ]; then
            hash=$(node "$beside" "$hash")
            while [ $((fn & 1)) = 0 ] && [ "$fn" != 0 ]; do fn=$((fn >> 1)); sn=$((sn >> 1)); done
        else
            hash=$(node "$hash" "$beside")
        fi
        fn=$((fn >> 1)); sn=$((sn >> 1))
    done
    [ "$sn" = 0 ] || fail "the length of $proof"
    [ "$hash" = "$(sed -n 3p "$work/note" | base64 -d | od -An -v -tx1 | tr -d ' \n')" ] || fail "the path of $proof"
    origin=$(sed -n 1p "$work/note")
    owner=$(printf %s "$origin" | sed 's,^tiermark/log/\([0-9a-f]*\).*,\1,')
    head -n 3 "$work/note" > "$work/text"
    sed -n "s,^— $origin ,,p" "$work/note" | base64 -d | tail -c +5 > "$work/sig"
    by=no
    for kid in $(sed -n "s/^log \([0-9a-f]*\) $owner[0-9a-f]*\$/\1/p" "$work/declared"); do
        pem="keys/log-$(printf %s "$kid" | cut -c1-16).pub.pem"
        openssl pkeyutl -verify -rawin -pubin -inkey "$pem" -in "$work/text" -sigfile "$work/sig" > /dev/null 2>&1 && by=yes
    done
    [ $by = yes ] || fail "the signature of the log on $proof"
done
holds "every leaf is in its log, under a checkpoint that the log's owner signed"
printf 'everything that was looked at holds; rights of delegations and cosignatures: contrib/verify.py\n'

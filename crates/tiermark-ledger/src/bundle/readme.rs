//! The text that tells an outsider how to check a bundle with OpenSSL and coreutils alone.

use crate::document::{Finding, Handover, Party};
use crate::packet::Packet;

/// The README of a bundle.
pub(super) fn text(finding: &Finding, packet: &Packet) -> String {
    let mut text = String::from(HEAD);
    text.push_str(&format!(
        "Case: {}. Examined: {} files. Signed: {}.\n\n",
        finding.case,
        finding.found.len(),
        finding.made_at
    ));
    text.push_str("Parties in these documents, and the fingerprints of their root keys:\n");
    let mut roots: Vec<(String, String)> = packet
        .documents
        .iter()
        .filter_map(|envelope| Party::open(envelope).ok())
        .map(|party| (party.root_kid().to_string(), party.handle.to_string()))
        .collect();
    roots.sort();
    roots.dedup_by(|a, b| a.0 == b.0);
    for (root, handle) in roots {
        text.push_str(&format!("  {root}  {handle}\n"));
    }
    text.push_str("\nHand-overs, by the mark that was read (the first 16 digits of the document's id):\n");
    for (id, _) in packet.of_type::<Handover>() {
        text.push_str(&format!("  {}  docs/handover-{id:.16}.dsse.json\n", id.mark_id()));
    }
    text.push_str(BODY);
    text
}

const HEAD: &str = "\
WHAT THIS IS
Files were found. In them stand invisible marks that say whose copy each file derives from. This folder holds the signed
documents behind those marks, so that you can check them without the program that wrote this, without its authors, and
without a network. report.html is for reading; finding.dsse.json is what the examiner signed.

";

const BODY: &str = r#"
THE SHORT WAY
  sh contrib/check.sh ROOT          needs openssl (3.0 or newer), sha256sum, base64, sed, cut, od
  python3 contrib/verify.py . ROOT  a second, independent program; needs python3 and its package `cryptography`
  tiermark verify . --root ROOT     the program itself
ROOT is the fingerprint of the producer's root key. Take it from the contract, a notary or a telephone call, never from this
folder: everything else follows from it.

BY HAND, FOR ONE DOCUMENT d.dsse.json
1. Take it apart. The signature covers exactly these bytes (DSSE 1.0.2, "PAE"):
     sed 's/.*"payload":"\([^"]*\)".*/\1/' d.dsse.json | base64 -d > body
     sed 's/.*"sig":"\([^"]*\)".*/\1/'     d.dsse.json | base64 -d > sig
     { printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(wc -c < body)"; cat body; } > pae
2. Check the signature with the key that the envelope names (keyid), which lies in keys/:
     openssl pkeyutl -verify -rawin -pubin -inkey keys/sign-KEYID16.pub.pem -in pae -sigfile sig
   A key's name is the hash of its DER form:
     openssl pkey -pubin -in keys/sign-KEYID16.pub.pem -outform DER | sha256sum
   Which party declares that key stands in a party document, signed by that party's own root key.
3. Compute the document's id, which covers text and signature; a mark in a picture is the first 16 digits of it:
     { printf 'tiermark/v1/doc\0'; openssl dgst -sha256 -binary pae; cat sig; } | sha256sum
4. Read `body`. It is JSON. A hand-over names issuer and recipient by the fingerprints of their roots, or a vendor without keys
   by the id of its record; `upstream` names the hand-over by which the frames came; `issuer_delegation` and
   `recipient_delegation` name the documents that gave them the right.

THE CHAIN
Each hand-over's issuer must be the recipient of the one above it, and name it under `upstream`. Each delegation must lead up to
one that the producer's root issued, and may never give more than the one above it: depth, rights, episodes, kinds, dates.

THE LOG
log/*.leaf is one line of a log, log/*.tlog-proof the path from its hash, SHA-256(00 leaf), to the root in the checkpoint below
it (RFC 6962; c2sp.org/tlog-proof). The checkpoint is signed by the log's owner and cosigned by those who saw it: whoever
wants to backdate a document needs their signatures, too. Where log/*.tsr is present, a time-stamp authority signed the
hash of the checkpoint's three lines:
     openssl ts -verify -digest "$(head -n 3 log/NAME.checkpoint | sha256sum | cut -c1-64)" -in log/NAME.tsr -CAfile ca.pem

CUSTODY
Each line of custody.jsonl holds, under "prev", the SHA-256 of the line before it. The files were hashed before anything opened
them; found.sha256 is for `sha256sum -c` where the found files lie.

WHAT IT SAYS, AND WHAT IT DOES NOT
A mark says whose copy a file derives from. It does not say who passed it on. The figures bound the probability that a file
without this mark reads like this; they are not the probability that somebody is guilty. Whoever holds the producer's secrets
and the original picture could make such a file: what speaks against that is the recipient's own receipt, the log that others
cosigned, and who acquired the files. "No mark" never means that no mark was ever there.
"#;

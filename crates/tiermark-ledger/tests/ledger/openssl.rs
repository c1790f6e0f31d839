//! OpenSSL as the outsider: it opens our key files and verifies our signatures, without us.

use crate::desk::{Desk, passphrase};
use crate::documents::{demo_handover, demo_key, demo_party, demo_vendor};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tiermark_ledger::keys::{PublicKey, WatermarkRoot, read_watermark_root, write_watermark_root};
use tiermark_ledger::log::time_stamp_request;
use tiermark_ledger::{Digest, Kid, Passphrase};

/// OpenSSL's answer, or nothing where there is no OpenSSL.
#[allow(clippy::print_stderr, reason = "a skipped test says why")]
fn openssl(folder: &Path, arguments: &[&str]) -> Option<Output> {
    let answer = Command::new("openssl").current_dir(folder).args(arguments).output();
    if answer.is_err() {
        eprintln!("skipped: there is no program `openssl` here");
    }
    answer.ok()
}

#[test]
fn it_opens_every_key_file_and_no_wrong_passphrase() {
    let desk = Desk::new();
    let folder = desk.studio.folder();
    fs::write(folder.join("pass"), "open sesame\n").unwrap();
    fs::write(folder.join("wrong"), "open barley\n").unwrap();
    for key in ["root", "sign", "watermark"] {
        let file = format!("keys/{key}.pem");
        let open = |pass: &str| {
            openssl(folder, &["pkey", "-in", &file, "-passin", pass, "-pubout", "-outform", "DER"])
        };
        let Some(answer) = open("file:pass") else { return };
        assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
        let kid = Kid::from_bytes(*Digest::of(&answer.stdout).as_bytes());
        match key {
            "root" => assert_eq!(kid, desk.studio.root()),
            "sign" => assert_eq!(kid, desk.secrets.sign.public().kid()),
            _ => {}
        }
        assert!(!open("file:wrong").unwrap().status.success());
    }
}

#[test]
fn it_shows_the_watermark_root_and_we_read_what_it_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write_watermark_root(&path.join("wr.pem"), &WatermarkRoot::from_bytes(&[0xab; 32]), &passphrase())
        .unwrap();
    fs::write(path.join("pass"), "open sesame\n").unwrap();
    let plain = ["pkey", "-in", "wr.pem", "-passin", "file:pass", "-outform", "DER"];
    let Some(answer) = openssl(path, &plain) else { return };
    assert!(answer.stdout.ends_with(&[0xab; 32]), "the seed's place holds the root");
    // Its own cipher and key derivation, as a restored backup may have them.
    let again = "pkcs8 -topk8 -in wr.pem -passin file:pass -passout pass:barley -out 2.pem";
    let again: Vec<&str> = again.split(' ').collect();
    assert!(openssl(path, &again).unwrap().status.success());
    let read =
        read_watermark_root(&path.join("2.pem"), &Passphrase::new(b"barley".to_vec()).unwrap()).unwrap();
    assert_eq!(read.as_bytes(), &[0xab; 32]);
}

#[test]
fn it_verifies_every_document_and_refuses_a_changed_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (root, sign) = (demo_key("P/root").public(), demo_key("P/sign").public());
    for (envelope, key) in [(demo_party(), &root), (demo_vendor(), &sign), (demo_handover(), &sign)] {
        fs::write(path.join("key.der"), key.to_der()).unwrap();
        fs::write(path.join("sig"), envelope.signature()).unwrap();
        let mut text = envelope.signed_bytes();
        fs::write(path.join("text"), &text).unwrap();
        let arguments = "pkeyutl -verify -rawin -pubin -keyform DER -inkey key.der -sigfile sig -in text";
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let Some(answer) = openssl(path, &arguments) else { return };
        assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
        *text.last_mut().unwrap() ^= 1;
        fs::write(path.join("text"), &text).unwrap();
        assert!(!openssl(path, &arguments).unwrap().status.success());
    }
}

#[test]
fn a_key_has_the_name_that_openssl_and_sha256sum_give_it() {
    let key: PublicKey = demo_key("P/root").public();
    assert_eq!(key.kid().to_string(), "5679a82bc158776723e5ad345019329723bf1fb5dea5f3f5e1a3017d84ac593b");
}

#[test]
fn it_reads_our_time_stamp_request_and_writes_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let ours = time_stamp_request(&Digest::of(b"checkpoint"));
    fs::write(path.join("ours.tsq"), &ours).unwrap();
    fs::write(path.join("text"), "checkpoint").unwrap();
    let Some(answer) = openssl(path, &["ts", "-query", "-in", "ours.tsq", "-text"]) else { return };
    let text = String::from_utf8(answer.stdout).unwrap();
    for line in ["Version: 1", "Hash Algorithm: sha256", "Nonce: unspecified", "Certificate required: yes"] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    let theirs = "ts -query -data text -sha256 -cert -no_nonce -out theirs.tsq";
    let theirs: Vec<&str> = theirs.split(' ').collect();
    assert!(openssl(path, &theirs).unwrap().status.success());
    assert_eq!(fs::read(path.join("theirs.tsq")).unwrap(), ours);
}

//! What studios sign, seal and log: forged, taken back, restored and time-stamped, and read by the programs of others.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may stop"
)]
#![allow(unreachable_pub, dead_code, reason = "the scene is shared between test programs")]

mod scene;
mod studios;

use std::process::Command;

use scene::cel;
use serde_json::Value;
use studios::{Studios, step, steps};

#[test]
fn a_restored_studio_never_forks_its_log() {
    let studios = Studios::new();
    studios.0.draw("in/a.png", &cel(960, 540, 0));
    studios.ok("p", &["backup", "backup"]);
    studios.hand(("p", "a"), "in", "to-a", true);
    let receipt = studios.0.files("to-a").into_iter().find(|name| name.ends_with(".receipt.json")).unwrap();
    let receipt = format!("to-a/{receipt}");
    let forked = studios.run("r", &["restore", "backup", "--same-log", "--seen", &receipt]);
    assert!(forked.status == 2 && forked.err.contains("two logs"), "{}", forked.err);
    std::fs::create_dir(studios.0.path("r")).unwrap();
    studios.ok("r", &["restore", "backup", "--seen", &receipt]);
    let status = studios.ok("r", &["log", "status", "--json"]).lines();
    assert!(status[0]["log"].as_str().unwrap().ends_with("/epoch2"), "{}", status[0]);
    studios.ok("r", &["vendor", "add", "Wolf"]);
    studios.ok("r", &["log", "audit"]);
    // The same log goes on where nothing was signed since.
    std::fs::create_dir(studios.0.path("s")).unwrap();
    studios.ok("p", &["backup", "later"]);
    studios.ok("s", &["restore", "later", "--same-log", "--seen", &receipt]);
    studios.ok("s", &["vendor", "add", "Wolf"]);
    studios.ok("s", &["log", "audit"]);
}

#[test]
fn what_is_sealed_to_a_party_opens_with_the_plain_age_program() {
    let studios = Studios::new();
    studios.ok("a", &["party", "identity", "--out", "identity.txt"]);
    let packet: Value = serde_json::from_slice(&studios.0.read("a.delegation.json")).unwrap();
    let sealed = packet["sealed"].as_object().unwrap().values().next().unwrap().as_str().unwrap();
    studios.0.write("secret.age", sealed.as_bytes());
    let age = Command::new("age")
        .args(["-d", "-i", "identity.txt", "secret.age"])
        .current_dir(studios.0.path(""))
        .output();
    let Ok(opened) = age else { return eprintln!("skipped: the program age is not there") };
    assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
    assert_eq!(opened.stdout.len(), 64, "node secret and lattice secret");
}

#[test]
fn a_state_of_the_log_is_time_stamped_by_somebody_elses_clock() {
    let studios = Studios::new();
    studios.ok("p", &["log", "anchor", "--request", "request.tsq"]);
    let openssl = |arguments: &[&str]| {
        let run = Command::new("openssl").args(arguments).current_dir(studios.0.path("")).output().unwrap();
        assert!(run.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
    };
    // A time-stamp authority of our own.
    studios.0.write("tsa.cnf", TSA.as_bytes());
    studios.0.write("serial", b"01\n");
    openssl(&[
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "tsa.key",
        "-out",
        "tsa.pem",
        "-days",
        "2",
        "-config",
        "tsa.cnf",
        "-extensions",
        "ext",
    ]);
    openssl(&[
        "ts",
        "-reply",
        "-config",
        "tsa.cnf",
        "-queryfile",
        "request.tsq",
        "-signer",
        "tsa.pem",
        "-inkey",
        "tsa.key",
        "-out",
        "answer.tsr",
    ]);
    studios.ok("p", &["log", "anchor", "--token", "answer.tsr", "--ca", "tsa.pem"]);
    studios.ok("p", &["log", "audit"]);
    // The same answer is none to another log.
    studios.ok("a", &["log", "checkpoint"]);
    let other = studios.run("a", &["log", "anchor", "--token", "answer.tsr", "--ca", "tsa.pem"]);
    assert_eq!(other.status, 2, "{}", other.err);
}

const TSA: &str = "\
[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=Time\n[ext]\nbasicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\n\
extendedKeyUsage=critical,timeStamping\n[tsa]\ndefault_tsa=t\n[t]\nserial=./serial\ndefault_policy=1.2.3.4.1\ndigests=sha256\n\
accuracy=secs:1\nsigner_digest=sha256\nordering=no\ntsa_name=no\ness_cert_id_chain=no\n";

#[test]
fn a_history_of_asc_mhl_lies_beside_the_copies() {
    let studios = Studios::new();
    studios.0.draw("in/a.png", &cel(960, 540, 0));
    let stamp = ["stamp", "--to", "Animate", "--episode", "EP03", "--mhl", "--out", "to-a", "in"];
    studios.ok("p", &stamp);
    let files = studios.0.files("to-a");
    assert!(files.iter().any(|name| name.starts_with("ascmhl/0001_") && name.ends_with(".mhl")), "{files:?}");
    let tool = std::env::var("ASCMHL").unwrap_or_else(|_| "ascmhl".to_owned());
    let debug = format!("{tool}-debug");
    let Ok(run) = Command::new(&debug).args(["verify", "to-a"]).current_dir(studios.0.path("")).output()
    else {
        return eprintln!("skipped: the reference tool ascmhl is not there");
    };
    assert!(
        run.status.success(),
        "{}{}",
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr)
    );
    // A vendor that checks its folder is not held up by the history.
    studios.ok("a", &["receive", "to-a"]);
}

/// A packet with one of its documents changed.
fn bent(packet: &[u8], kind: &str, change: impl Fn(&mut String)) -> Vec<u8> {
    let mut packet: Value = serde_json::from_slice(packet).unwrap();
    let base64 = data_encoding::BASE64;
    for document in packet["documents"].as_array_mut().unwrap() {
        let payload = document["payload"].as_str().unwrap();
        let mut text = String::from_utf8(base64.decode(payload.as_bytes()).unwrap()).unwrap();
        if text.contains(&format!("tiermark:{kind}/v1")) {
            change(&mut text);
            document["payload"] = base64.encode(text.as_bytes()).into();
        }
    }
    serde_json::to_vec(&packet).unwrap()
}

#[test]
fn forged_and_swapped_documents_are_refused_with_the_rule_that_failed() {
    let studios = Studios::new();
    studios.play(true, false);
    let to_b = studios.0.files("to-b").into_iter().find(|name| name.ends_with(".handover.json")).unwrap();
    studios.ok("a", &["log", "export", to_b.strip_suffix(".handover.json").unwrap(), "--out", "honest.json"]);
    let honest = studios.0.read("honest.json");
    let dated = |text: &mut String| *text = text.replace("\"issued_at\":\"20", "\"issued_at\":\"21");
    let deeper = |text: &mut String| *text = text.replace("\"max_depth\":2", "\"max_depth\":7");
    let refused = |kind: &str, change: &dyn Fn(&mut String)| {
        studios.0.write("bent.json", &bent(&honest, kind, change));
        let run = studios.run("p", &["file", "bent.json", "--json"]);
        assert_eq!(run.status, 3, "{kind}: {}{}", run.out, run.err);
        assert!(run.out.contains("does not fit the text"), "{kind}: {}", run.out);
    };
    refused("handover", &dated);
    // The frames of another hand-over, under this one's document.
    let mut swapped: Value = serde_json::from_slice(&honest).unwrap();
    for text in swapped["frames"].as_object_mut().unwrap().values_mut() {
        *text = text.as_str().unwrap().replace("EP03/a.png", "EP03/x.png").into();
    }
    studios.0.write("bent.json", &serde_json::to_vec(&swapped).unwrap());
    let run = studios.run("p", &["file", "bent.json", "--json"]);
    assert!(run.status == 3 && run.out.contains("other frames are listed"), "{}", run.out);
    studios.0.write("bent.json", b"{\"tiermark\":\"packet/v1\"");
    assert_eq!(studios.run("p", &["file", "bent.json"]).status, 2);
    // Nothing of all that has stuck: the mark is still one whose document nobody filed.
    let finding = studios.ok("p", &["trace", "leak", "--json"]).about("a.jpg");
    assert_eq!(steps(&finding), [step("Producer", "Animate", "G4")]);
    refused("delegation", &deeper);
    studios.ok("p", &["file", "honest.json"]);
    let finding = studios.ok("p", &["trace", "leak", "--json"]).about("a.jpg");
    assert_eq!(steps(&finding)[1], step("Animate", "Below", "G4"));
}

#[test]
fn what_was_signed_before_a_key_was_revoked_stands_and_what_came_after_does_not() {
    let studios = Studios::new();
    studios.play(true, true);
    let shown = studios.ok("a", &["party", "show", "Animate", "--json"]).lines();
    let keys = shown[0]["keys"].as_array().unwrap();
    let sign = keys.iter().find(|key| key["use"] == "sign").unwrap()["kid"].as_str().unwrap().to_owned();
    studios.ok("a", &["revoke", "key", &sign, "--reason", "stolen laptop", "--out", "revoked.json"]);
    studios.ok("p", &["file", "revoked.json"]);
    let before = studios.ok("p", &["trace", "leak", "--json"]).about("a.jpg");
    assert_eq!(steps(&before), [step("Producer", "Animate", "G4"), step("Animate", "Below", "G4")]);
    // Whoever has the key signs on.
    studios.0.draw("late/x.png", &cel(1280, 720, 5));
    studios.ok("a", &["stamp", "--to", "Below", "--episode", "EP03", "--out", "to-b-late", "late"]);
    let packet =
        studios.0.files("to-b-late").into_iter().find(|name| name.ends_with(".handover.json")).unwrap();
    let mark = packet.strip_suffix(".handover.json").unwrap();
    studios.ok("a", &["log", "export", mark, "--out", "late.json"]);
    let run = studios.run("p", &["file", "late.json", "--json"]);
    assert!(run.status == 3 && run.out.contains("stolen laptop"), "{}", run.out);
    studios.leak("to-b-late/x.png", "leak-late/x.jpg");
    let after = studios.run("p", &["trace", "leak-late", "--json"]).about("x.jpg");
    assert!(
        after["marks"].as_array().unwrap().iter().all(|mark| mark["recipient"] == Value::Null),
        "{after}"
    );
    // A new key, and work goes on.
    studios.ok("a", &["rotate", "--out", "a2.party.json"]);
    studios.ok("p", &["file", "a2.party.json"]);
    studios.0.draw("new/y.png", &cel(1280, 720, 6));
    studios.ok("a", &["stamp", "--to", "Below", "--episode", "EP03", "--out", "to-b-new", "new"]);
    let packet =
        studios.0.files("to-b-new").into_iter().find(|name| name.ends_with(".handover.json")).unwrap();
    studios.ok("a", &["log", "export", packet.strip_suffix(".handover.json").unwrap(), "--out", "new.json"]);
    studios.ok("p", &["file", "new.json"]);
    studios.leak("to-b-new/y.png", "leak-new/y.jpg");
    let new = studios.ok("p", &["trace", "leak-new", "--json"]).about("y.jpg");
    assert_eq!(steps(&new), [step("Animate", "Below", "G2")]);
}

#[test]
fn a_producer_that_writes_its_log_anew_is_refused_by_the_vendor_that_saw_it() {
    let studios = Studios::new();
    studios.0.draw("in/a.png", &cel(960, 540, 0));
    studios.ok("p", &["backup", "before"]);
    studios.hand(("p", "a"), "in", "to-a", true);
    // The same studio as before that delivery, and another story from there on.
    std::fs::create_dir(studios.0.path("q")).unwrap();
    studios.ok("q", &["restore", "before", "--same-log"]);
    studios.0.draw("other/b.png", &cel(960, 540, 3));
    studios.ok("q", &["stamp", "--to", "Animate", "--episode", "EP03", "--out", "to-a-2", "other"]);
    let run = studios.run("a", &["receive", "to-a-2"]);
    assert_eq!(run.status, 1, "{}", run.err);
    assert!(!studios.0.files("to-a-2").iter().any(|name| name.ends_with(".receipt.json")));
}

//! Three studios in three folders without shared state: what one hands to the next, and what an outsider can check.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may stop"
)]
#![allow(unreachable_pub, dead_code, reason = "the scene is shared between test programs")]

mod scene;

use std::process::Command;

use image::ImageFormat;
use image::imageops::FilterType;
use scene::{Run, Scene, cel, encoded};
use serde_json::Value;

const NAMES: [(&str, &str); 3] = [("p", "Producer"), ("a", "Animate"), ("b", "Below")];

/// Three studios that know each other by party files.
struct Studios(Scene);

impl Studios {
    /// P delegates to A, A to B.
    fn new() -> Self {
        let studios = Self(Scene::empty());
        for (folder, name) in NAMES {
            studios.ok(folder, &["init", "--name", name]);
            studios.ok(folder, &["party", "export", "--out", &format!("{folder}.party.json")]);
        }
        studios.enrol("p", "a", &["--episodes", "EP03,EP04", "--max-depth", "2", "--checked", "video"]);
        studios.enrol("a", "b", &["--for", "Producer", "--episodes", "EP03"]);
        studios
    }

    /// Run the program for one studio; only files lead from one to another.
    fn run(&self, studio: &str, arguments: &[&str]) -> Run {
        let folder = format!("{studio}/.tiermark");
        self.0.run(&[&["--studio", &folder], arguments].concat())
    }

    fn ok(&self, studio: &str, arguments: &[&str]) -> Run {
        let run = self.run(studio, arguments);
        assert_eq!(run.status, 0, "{studio} {arguments:?}: {}{}", run.out, run.err);
        run
    }

    fn enrol(&self, upper: &str, lower: &str, terms: &[&str]) {
        let name = NAMES.iter().find(|(folder, _)| *folder == lower).unwrap().1;
        let packet = format!("{lower}.delegation.json");
        self.ok(upper, &["party", "import", &format!("{lower}.party.json")]);
        self.ok(upper, &[&["delegate", name, "--out", &packet], terms].concat());
        self.ok(lower, &["accept", &packet]);
    }

    /// Stamp a folder for the next tier, which checks and answers if it is to.
    fn hand(&self, (giver, taker): (&str, &str), from: &str, to: &str, answers: bool) -> String {
        let name = NAMES.iter().find(|(folder, _)| *folder == taker).unwrap().1;
        self.ok(giver, &["stamp", "--to", name, "--episode", "EP03", "--out", to, from]);
        let packet = self.0.files(to).into_iter().find(|name| name.ends_with(".handover.json")).unwrap();
        let mark = packet.strip_suffix(".handover.json").unwrap().to_owned();
        if answers {
            self.ok(taker, &["receive", to]);
            self.ok(giver, &["file", &format!("{to}/{mark}.receipt.json")]);
        }
        mark
    }

    /// The story up to the leak: P hands two drawings to A, A passes them to B, B's copy leaks.
    fn play(&self, b_answers: bool, a_files: bool) -> (String, String) {
        self.0.draw("in/EP03/a.png", &cel(1280, 720, 0));
        self.0.draw("in/EP03/b.png", &cel(1280, 720, 3));
        let to_a = self.hand(("p", "a"), "in", "to-a", true);
        let to_b = self.hand(("a", "b"), "to-a", "to-b", b_answers);
        if a_files {
            self.ok("a", &["log", "export", &to_b, "--out", "a-filing.json"]);
            self.ok("p", &["file", "a-filing.json"]);
        }
        self.leak("to-b/EP03/a.png", "leak/a.jpg");
        (to_a, to_b)
    }

    /// JPEG 75 at half size, without anything that came with the file.
    fn leak(&self, from: &str, to: &str) {
        let half = self.0.look(from).resize_exact(640, 360, FilterType::Triangle);
        self.0.write(to, &encoded(&half.into_rgb8().into(), ImageFormat::Jpeg));
    }

    fn root(&self) -> String {
        let shown = self.ok("p", &["party", "show", "--json"]).lines();
        shown.iter().find(|party| party["ours"] == true).unwrap()["root"].as_str().unwrap().to_owned()
    }
}

fn steps(finding: &Value) -> Vec<(String, String, String)> {
    let text = |step: &Value, name: &str| step[name].as_str().unwrap().to_owned();
    let chain = finding["chains"][0].as_array().unwrap();
    chain.iter().map(|step| (text(step, "from"), text(step, "to"), text(step, "grade"))).collect()
}

fn step(from: &str, to: &str, grade: &str) -> (String, String, String) {
    (from.to_owned(), to.to_owned(), grade.to_owned())
}

#[test]
fn a_leak_at_the_second_tier_is_traced_through_both_hands_and_an_outsider_can_check_it() {
    let studios = Studios::new();
    let (to_a, to_b) = studios.play(true, true);
    let run = studios.ok("p", &["trace", "leak", "--json"]);
    let finding = run.about("a.jpg");
    assert_eq!(finding["verdict"], "attributed");
    assert_eq!(steps(&finding), [step("Producer", "Animate", "G4"), step("Animate", "Below", "G4")]);
    let marks: Vec<&Value> = finding["marks"].as_array().unwrap().iter().collect();
    assert_eq!((&marks[0]["handover"], &marks[1]["handover"]), (&to_a.into(), &to_b.into()));
    assert!(marks.iter().all(|mark| mark["log10_false_alarm"].as_f64().unwrap() <= -9.0));
    let human = studios.ok("p", &["trace", "leak"]).out;
    assert!(human.contains("Producer   (1 file)") && human.contains("   └─ Below   tier 2"), "{human}");

    studios.ok("p", &["case", "new", "server"]);
    studios.ok("p", &["case", "add", "server", "leak", "--by", "K.", "--how", "disk image"]);
    studios.ok("p", &["case", "seal", "server"]);
    assert_eq!(studios.run("p", &["case", "add", "server", "in"]).status, 2, "a sealed case takes nothing");
    studios.ok(
        "p",
        &["report", "server", "--out", "bundle", "--decoys", "50", "--pictures", "--originals", "in"],
    );
    let root = studios.root();
    // Another person, without studio or passphrase.
    let verify = |root: &str| studios.0.run(&["verify", "bundle", "--root", root]);
    let checked = verify(&root);
    assert_eq!(checked.status, 0, "{}{}", checked.out, checked.err);
    assert!(checked.out.contains("Producer -> Animate -> Below"), "{}", checked.out);
    let pem = studios.0.path(&format!("bundle/keys/root-{}.pub.pem", &root[..16]));
    assert_eq!(verify(pem.to_str().unwrap()).status, 0, "the root as a PEM file");
    let (shell, python) = outsiders(&studios, &root);
    assert_eq!(
        (shell, python.unwrap_or(0)),
        (0, 0),
        "openssl, and the second implementation where it can run"
    );
    let other = "00".repeat(32);
    assert_eq!(verify(&other).status, 1, "another root");

    // One letter of the report, one line of custody, one document: each is seen by all three.
    for file in ["report.html", "custody.jsonl"] {
        let honest = studios.0.read(&format!("bundle/{file}"));
        let mut bent = honest.clone();
        bent[honest.len() / 2] ^= 1;
        studios.0.write(&format!("bundle/{file}"), &bent);
        assert_eq!(verify(&root).status, 1, "{file}");
        let (shell, python) = outsiders(&studios, &root);
        assert!(shell != 0 && python != Some(0), "{file}");
        studios.0.write(&format!("bundle/{file}"), &honest);
    }
    let receipt =
        studios.0.files("bundle/docs").into_iter().find(|name| name.starts_with("receipt")).unwrap();
    std::fs::remove_file(studios.0.path(&format!("bundle/docs/{receipt}"))).unwrap();
    assert_eq!(verify(&root).status, 1, "a receipt is gone");
}

/// What `contrib/check.sh` and `contrib/verify.py` of the bundle say; none where their tools are not there.
fn outsiders(studios: &Studios, root: &str) -> (i32, Option<i32>) {
    let bundle = studios.0.path("bundle");
    let run = |program: &str, arguments: &[&str]| {
        Command::new(program).args(arguments).current_dir(&bundle).output().unwrap().status.code().unwrap()
    };
    let there = |program: &str, arguments: &[&str]| {
        Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
    };
    assert!(there("openssl", &["version"]), "the tests need the program openssl");
    let shell = run("sh", &["contrib/check.sh", root]);
    if !there("python3", &["-c", "import cryptography"]) {
        eprintln!("skipped: python3 with `cryptography` is not there");
        return (shell, None);
    }
    (shell, Some(run("python3", &["contrib/verify.py", ".", root])))
}

#[test]
fn a_missing_receipt_is_missed_and_an_unfiled_hand_over_is_reported() {
    let studios = Studios::new();
    studios.play(false, true);
    let finding = studios.ok("p", &["trace", "leak", "--json"]).about("a.jpg");
    assert_eq!(steps(&finding), [step("Producer", "Animate", "G4"), step("Animate", "Below", "G2")]);
    let missing = finding["chains"][0][1]["missing"].as_str().unwrap();
    assert!(missing.contains("cosigned"), "{missing}");

    let studios = Studios::new();
    studios.play(true, false);
    // P knows of B only by what A says; A has not even reported that it delegates.
    let alone = studios.ok("p", &["trace", "leak", "--json"]).about("a.jpg");
    assert_eq!(steps(&alone), [step("Producer", "Animate", "G4")]);
    let unlisted: Vec<&Value> =
        alone["marks"].as_array().unwrap().iter().filter(|mark| mark["grade"] == "G1").collect();
    assert_eq!(unlisted.len(), 1, "{alone}");
    assert_eq!((&unlisted[0]["from"], &unlisted[0]["recipient"]), (&"Animate".into(), &Value::Null));
    assert!(alone["reason"].as_str().unwrap().contains("demand it from Animate"));
    // The gate for a delivery: a mark below A whose document nobody filed does not pass.
    let gate = studios.run("p", &["trace", "leak", "--expect", "Animate"]);
    assert_eq!(gate.status, 1, "{}", gate.out);
    assert!(gate.out.contains("a tier below Animate that was not declared"), "{}", gate.out);
}

#[test]
fn a_delivery_passes_the_gate_only_with_its_vendors_marks() {
    let studios = Studios::new();
    studios.0.draw("in/a.png", &cel(960, 540, 0));
    studios.0.draw("in/b.png", &cel(960, 540, 3));
    studios.hand(("p", "a"), "in", "to-a", true);
    studios.ok("p", &["vendor", "add", "Wolf"]);
    studios.ok("p", &["stamp", "--to", "Wolf", "--out", "to-wolf", "in/a.png"]);
    // A sends back one frame as it came, and new work with a mark of its own.
    studios.0.draw("work/c.png", &cel(960, 540, 7));
    studios
        .ok("a", &["stamp", "--return", "--for", "Producer", "--episode", "EP04", "--out", "back", "work"]);
    studios.0.write("back/a.png", &studios.0.read("to-a/a.png"));
    studios.ok("p", &["receive", "back"]);
    let gate = studios.ok("p", &["trace", "back", "--expect", "Animate", "--json"]);
    assert!(gate.lines().iter().all(|line| line["gate"] == "met"), "{}", gate.out);
    let up = gate.about("c.png");
    assert_eq!(steps(&up)[0].0, "Animate");
    assert_eq!(
        (&up["chains"][0][0]["to"], &up["chains"][0][0]["direction"]),
        (&"Producer".into(), &"up".into())
    );
    // Unmarked, and another vendor's.
    studios.0.draw("back/d.png", &cel(960, 540, 9));
    studios.0.write("back/e.png", &studios.0.read("to-wolf/a.png"));
    let gate = studios.run("p", &["trace", "back", "--expect", "Animate", "--json"]);
    assert_eq!(gate.status, 1);
    assert_eq!(
        (&gate.about("d.png")["gate"], &gate.about("e.png")["gate"]),
        (&"missing".into(), &"another".into())
    );
    assert_eq!(gate.about("e.png")["who"], "Wolf");
}

#[test]
fn a_copy_that_is_marked_for_one_is_not_stamped_for_another() {
    let studios = Studios::new();
    studios.0.draw("in/a.png", &cel(960, 540, 0));
    studios.hand(("p", "a"), "in", "to-a", true);
    studios.ok("p", &["vendor", "add", "Wolf"]);
    let run = studios.run("p", &["stamp", "--to", "Wolf", "--out", "to-wolf", "to-a/a.png"]);
    assert_eq!(run.status, 3, "{}", run.err);
    assert!(run.err.contains("stamp the unmarked original instead"), "{}", run.err);
    assert!(studios.0.files("to-wolf").is_empty());
}

#[test]
fn nobody_gives_more_than_it_was_given() {
    let studios = Studios::new();
    studios.0.draw("in/a.png", &cel(960, 540, 0));
    let wide = studios
        .run("a", &["delegate", "Below", "--for", "Producer", "--episodes", "EP09", "--out", "x.json"]);
    assert!(wide.status == 2 && wide.err.contains("episodes are widened"), "{}", wide.err);
    studios.hand(("p", "a"), "in", "to-a", true);
    let dry =
        studios.run("a", &["stamp", "-n", "--to", "Below", "--episode", "EP04", "--out", "to-b", "to-a"]);
    assert!(
        dry.status == 2 && dry.err.contains("an episode that the recipient was not given"),
        "{}",
        dry.err
    );
    let other = studios.run("a", &["stamp", "--to", "Below", "--episode", "EP04", "--out", "to-b", "to-a"]);
    assert!(
        other.status == 2 && other.err.contains("an episode that the recipient was not given"),
        "{}",
        other.err
    );
    assert!(studios.0.files("to-b").is_empty() && !studios.0.path("x.json").exists());
}

#[test]
fn a_received_folder_with_a_changed_file_gives_no_receipt() {
    let studios = Studios::new();
    studios.0.draw("in/a.png", &cel(960, 540, 0));
    studios.0.draw("in/b.png", &cel(960, 540, 3));
    studios.hand(("p", "a"), "in", "to-a", false);
    studios.0.draw("to-a/a.png", &cel(960, 540, 0));
    let run = studios.run("a", &["receive", "to-a"]);
    assert!(run.status == 1 && run.err.contains("changed: a.png"), "{}", run.err);
    assert!(!studios.0.files("to-a").iter().any(|name| name.ends_with(".receipt.json")));
    studios.ok("a", &["receive", "to-a", "--incomplete"]);
}

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

#[test]
fn of_two_delegations_the_one_that_covers_the_episode_is_taken() {
    let studios = Studios::new();
    studios.0.draw("in/a.png", &cel(960, 540, 0));
    // The second ends sooner: what decides is what it covers.
    let terms = ["--episodes", "EP07", "--max-depth", "2", "--until", "2027-01-01", "--out", "second.json"];
    studios.ok("p", &[&["delegate", "Animate"][..], &terms].concat());
    studios.ok("a", &["accept", "second.json"]);
    studios.ok("p", &["stamp", "--to", "Animate", "--episode", "EP07", "--out", "to-a7", "in"]);
    studios.ok("a", &["receive", "to-a7"]);
    studios.ok("a", &["vendor", "add", "Wolf"]);
    let pass_on = |episode: &str, out: &str| {
        studios.run("a", &["stamp", "--to", "Wolf", "--episode", episode, "--out", out, "to-a7"]).status
    };
    assert_eq!((pass_on("EP09", "to-w9"), pass_on("EP07", "to-w7")), (2, 0));
}

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
mod studios;

use std::process::Command;

use scene::cel;
use serde_json::Value;
use studios::{Studios, step, steps};

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

//! Every kind of file through the program: what leaves is what came in but for its mark, says another hand's reader, and what
//! a viewer makes of it names its recipient.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop")]
#![allow(unreachable_pub, reason = "the scene is shared between test programs")]
#![allow(dead_code, reason = "the scene is shared between test programs")]
#![allow(clippy::print_stderr, reason = "a test says that it was skipped")]

mod scene;

use std::path::Path;
use std::process::Command;

use scene::Scene;

/// An interpreter that has OpenImageIO: the variable ORACLE, or `python3`.
fn oracle() -> Option<String> {
    let named = std::env::var("ORACLE");
    let python = named.clone().unwrap_or_else(|_| "python3".to_owned());
    let there = Command::new(&python)
        .args(["-c", "import OpenImageIO"])
        .output()
        .is_ok_and(|run| run.status.success());
    assert!(there || named.is_err(), "ORACLE names no interpreter that has OpenImageIO");
    if !there {
        eprintln!(
            "skipped: python3 has no OpenImageIO here (pip install openimageio, ORACLE=path of its python)"
        );
    }
    there.then_some(python)
}

fn ask(python: &str, verb: &str, paths: &[&Path]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/formats/oracle.py");
    let run = Command::new(python).arg(script).arg(verb).args(paths).output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{verb}: {said}");
}

#[test]
fn files_of_every_kind_keep_all_but_their_colours_and_name_their_recipient() {
    let Some(python) = oracle() else { return };
    let scene = Scene::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/cg/city_street_16bit.tif");
    ask(&python, "make", &[&source, &scene.path("in")]);
    let kinds = std::fs::read_dir(scene.path("in")).unwrap().count();
    assert!(kinds >= 21, "{kinds} files");

    let stamped =
        scene.run(&["stamp", "--to", "Shepherd Boy", "--out", "out", "in", "--no-archive", "--quiet"]);
    assert_eq!(stamped.status, 0, "{}{}", stamped.out, stamped.err);
    // What travels beside frames is none of the comparison's.
    std::fs::create_dir(scene.path("marked")).unwrap();
    for entry in std::fs::read_dir(scene.path("in")).unwrap() {
        let name = entry.unwrap().file_name();
        std::fs::rename(scene.path("out").join(&name), scene.path("marked").join(&name)).unwrap();
    }
    ask(&python, "compare", &[&scene.path("in"), &scene.path("marked")]);

    ask(&python, "leak", &[&scene.path("marked"), &scene.path("leaked")]);
    let traced = scene.run(&["trace", "leaked", "marked", "--json"]);
    assert_eq!(traced.status, 0, "{}", traced.err);
    let named = traced.lines().iter().filter(|finding| finding["verdict"] == "attributed").count();
    assert_eq!(named, 2 * kinds, "{}", traced.out);
}

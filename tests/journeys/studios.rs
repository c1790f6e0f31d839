//! Three studios in three folders without shared state: what the journeys of several tiers are played on.

use image::ImageFormat;
use image::imageops::FilterType;
use serde_json::Value;

use crate::scene::{Run, Scene, cel, encoded};

const NAMES: [(&str, &str); 3] = [("p", "Producer"), ("a", "Animate"), ("b", "Below")];

/// Three studios that know each other by party files.
pub struct Studios(pub Scene);

impl Studios {
    /// P delegates to A, A to B.
    pub fn new() -> Self {
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
    pub fn run(&self, studio: &str, arguments: &[&str]) -> Run {
        let folder = format!("{studio}/.tiermark");
        self.0.run(&[&["--studio", &folder], arguments].concat())
    }

    pub fn ok(&self, studio: &str, arguments: &[&str]) -> Run {
        let run = self.run(studio, arguments);
        assert_eq!(run.status, 0, "{studio} {arguments:?}: {}{}", run.out, run.err);
        run
    }

    pub fn enrol(&self, upper: &str, lower: &str, terms: &[&str]) {
        let name = NAMES.iter().find(|(folder, _)| *folder == lower).unwrap().1;
        let packet = format!("{lower}.delegation.json");
        self.ok(upper, &["party", "import", &format!("{lower}.party.json")]);
        self.ok(upper, &[&["delegate", name, "--out", &packet], terms].concat());
        self.ok(lower, &["accept", &packet]);
    }

    /// Stamp a folder for the next tier, which checks and answers if it is to.
    pub fn hand(&self, (giver, taker): (&str, &str), from: &str, to: &str, answers: bool) -> String {
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
    pub fn play(&self, b_answers: bool, a_files: bool) -> (String, String) {
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
    pub fn leak(&self, from: &str, to: &str) {
        let half = self.0.look(from).resize_exact(640, 360, FilterType::Triangle);
        self.0.write(to, &encoded(&half.into_rgb8().into(), ImageFormat::Jpeg));
    }

    pub fn root(&self) -> String {
        let shown = self.ok("p", &["party", "show", "--json"]).lines();
        shown.iter().find(|party| party["ours"] == true).unwrap()["root"].as_str().unwrap().to_owned()
    }
}

pub fn steps(finding: &Value) -> Vec<(String, String, String)> {
    let text = |step: &Value, name: &str| step[name].as_str().unwrap().to_owned();
    let chain = finding["chains"][0].as_array().unwrap();
    chain.iter().map(|step| (text(step, "from"), text(step, "to"), text(step, "grade"))).collect()
}

pub fn step(from: &str, to: &str, grade: &str) -> (String, String, String) {
    (from.to_owned(), to.to_owned(), grade.to_owned())
}

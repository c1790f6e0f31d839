//! What a push must pass, step by step, cheapest first.
//!
//! `.ci/run` calls the same steps, so that the machine that decides and the one on the desk cannot disagree.

use std::fmt;
use std::process::Command;
use std::time::Instant;

use crate::{Outcome, tree};

/// Runs the named steps, or all of them, and stops at the first that fails.
pub(crate) fn run(names: &[&str]) -> Outcome {
    let steps = chosen(names)?;
    let mut endings = Vec::new();
    for step in &steps {
        println!("== {}", step.name);
        let start = Instant::now();
        let ending = (step.run)().map_err(|reason| format!("{reason}\n== {} failed", step.name))?;
        println!("== {} {ending} in {:.1} s", step.name, start.elapsed().as_secs_f64());
        endings.push(format!("{} {ending}", step.name));
    }
    println!("check: {}", endings.join(", "));
    Ok(())
}

/// How a step ended that did not fail. A skipped one is never called passed.
enum Ending {
    Passed,
    Skipped,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::Skipped => "skipped",
        })
    }
}

struct Step {
    name: &'static str,
    run: fn() -> Result<Ending, String>,
}

const STEPS: [Step; 6] = [
    Step { name: "format", run: format },
    Step { name: "borders", run: borders },
    Step { name: "lints", run: lints },
    Step { name: "tests", run: tests },
    Step { name: "docs", run: docs },
    Step { name: "licences", run: licences },
];

/// The steps of these names in the order of the house; all of them if none is named.
fn chosen(names: &[&str]) -> Result<Vec<&'static Step>, String> {
    if let Some(unknown) = names.iter().find(|name| !STEPS.iter().any(|step| step.name == **name)) {
        let known: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        return Err(format!("there is no step `{unknown}`; there are {}", known.join(", ")));
    }
    Ok(STEPS.iter().filter(|step| names.is_empty() || names.contains(&step.name)).collect())
}

fn borders() -> Result<Ending, String> {
    crate::borders::run().map(|()| Ending::Passed)
}

fn format() -> Result<Ending, String> {
    succeed(tree::cargo().args(["fmt", "--all", "--check"]))
}

fn lints() -> Result<Ending, String> {
    succeed(tree::cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn tests() -> Result<Ending, String> {
    succeed(tree::cargo().args(["test", "--workspace"]))
}

/// Libraries only: program and library are both called `tiermark`, and the pages of one would overwrite the other's.
fn docs() -> Result<Ending, String> {
    let arguments = ["doc", "--workspace", "--no-deps", "--lib"];
    succeed(tree::cargo().args(arguments).env("RUSTDOCFLAGS", "-D warnings"))
}

/// Advisories are left out on purpose: they need the network and change without us, so that a tree that passed
/// yesterday would fail today. Run `cargo deny check advisories` before a release.
fn licences() -> Result<Ending, String> {
    let installed =
        tree::cargo().args(["deny", "--version"]).output().is_ok_and(|output| output.status.success());
    if installed {
        // Without the graphs: two generations of one crate are a warning of one line, not of forty.
        let checks = ["deny", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"];
        return succeed(tree::cargo().args(checks));
    }
    if std::env::var_os("CI").is_some() {
        return Err("cargo-deny is missing, and in CI licences are never skipped; see .ci/run".into());
    }
    println!("skipped: cargo-deny is missing; `cargo install --locked cargo-deny` brings it");
    Ok(Ending::Skipped)
}

fn succeed(command: &mut Command) -> Result<Ending, String> {
    let status = command.status().map_err(|error| format!("{command:?} did not start: {error}"))?;
    if status.success() { Ok(Ending::Passed) } else { Err(format!("{command:?} ended with {status}")) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use std::process::Stdio;

    use super::*;

    #[test]
    fn no_name_means_every_step_and_order_is_that_of_the_house() {
        assert_eq!(chosen(&[]).unwrap().len(), STEPS.len());
        let some: Vec<&str> = chosen(&["docs", "format"]).unwrap().iter().map(|step| step.name).collect();
        assert_eq!(some, ["format", "docs"]);
    }

    #[test]
    fn a_step_that_does_not_exist_is_not_a_pass() {
        assert!(chosen(&["format", "fromat"]).is_err_and(|reason| reason.contains("fromat")));
    }

    #[test]
    fn a_command_that_fails_or_does_not_start_is_a_failure() {
        assert!(succeed(tree::cargo().arg("--version")).is_ok());
        assert!(succeed(tree::cargo().arg("no-such-chore").stderr(Stdio::null())).is_err());
        assert!(succeed(&mut Command::new("no-such-program-anywhere")).is_err());
    }
}

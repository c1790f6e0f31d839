//! The chores of the house, one word each: `cargo xtask check` before every push.
//!
//! A chore looks at the tree and says what is wrong with it: formatting, lints, tests, documentation, licences,
//! and whether a room reached over its border. It is Rust and not shell, so that it runs wherever we build.
//!
//! Nothing here is shipped, and nothing here decides what the rooms do. The rules are those of ARCHITECTURE.md;
//! `house.rs` is the copy of them that a machine can read.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore is a program that speaks to the terminal"
)]

use std::process::ExitCode;

mod borders;
mod check;
mod house;
mod lengths;
mod tree;
mod words;

const USAGE: &str = "\
cargo xtask CHORE

  check [STEP...]   all steps that a push must pass, or only those named:
                    format borders lints tests docs licences
  borders           who imports whom, and the words each room never says
  rooms             files longer than 400 lines";

/// A chore either finds the house in order or says what is not.
type Outcome = Result<(), String>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["check", steps @ ..] => check::run(steps),
        ["borders"] => borders::run(),
        ["rooms"] => lengths::run(),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

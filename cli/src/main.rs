//! How does a person or a render farm ask?
//!
//! This program turns words into calls of `tiermark` and answers into tables, JSON lines and an exit status. It decides
//! nothing: whether a frame may leave and whose copy it is, the crate says.

mod args;
mod ask;
mod bench;
mod demo;
mod init;
mod progress;
mod report;
mod stamp;
mod trace;
mod vendor;

use std::process::ExitCode;

use args::{Arguments, Verb};
use clap::{CommandFactory, Parser};
use report::{Answer, Trouble};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let common = &arguments.common;
    let answer = match &arguments.verb {
        Verb::Init { name } => init::run(common, name),
        Verb::Vendor(verb) => vendor::run(common, verb),
        Verb::Stamp(stamp) => stamp::run(common, stamp),
        Verb::Trace { found, max_megapixels } => trace::run(common, found, *max_megapixels),
        Verb::Bench { pictures, seed } => bench::run(common, pictures, *seed),
        Verb::Demo { samples, out } => demo::run(common, samples, out),
        Verb::Completions { shell } => {
            clap_complete::generate(*shell, &mut Arguments::command(), "tiermark", &mut std::io::stdout());
            Ok(Answer::Done)
        }
    };
    match answer {
        Ok(answer) => answer.into(),
        Err(Trouble(message)) => {
            report::complain(&message);
            ExitCode::from(2)
        }
    }
}

/// Do `work` on as many threads as were asked for.
fn in_pool<T: Send>(jobs: usize, work: impl FnOnce() -> T + Send) -> Result<T, Trouble> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build();
    Ok(pool.map_err(|error| Trouble(format!("no threads to work with: {error}")))?.install(work))
}

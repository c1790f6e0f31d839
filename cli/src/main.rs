//! How does a person or a render farm ask?
//!
//! This program turns words into calls of `tiermark` and answers into tables, JSON lines and an exit status. It decides
//! nothing: whether a frame may leave and whose copy it is, the crate says.

#![forbid(unsafe_code)]

mod archive;
mod args;
mod ask;
mod bench;
mod bounds;
mod case;
mod delegate;
mod demo;
mod file;
mod init;
mod keep;
mod log;
mod party;
mod progress;
mod report;
mod selftest;
mod stamp;
mod tally;
mod trace;
mod vendor;
mod which;

use std::path::PathBuf;
use std::process::ExitCode;

use args::{Arguments, Verb};
use clap::{CommandFactory, Parser};
use report::{Answer, Trouble};
use tiermark::inputs::{Inputs, Links};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let common = &arguments.common;
    let answer = match &arguments.verb {
        Verb::Init { name } => init::run(common, name),
        Verb::Vendor(verb) => vendor::run(common, verb),
        Verb::Party(verb) => party::run(common, verb),
        Verb::Delegate(arguments) => delegate::delegate(common, arguments),
        Verb::Accept { file, root } => delegate::accept(common, file, root.as_deref()),
        Verb::Revoke { kind, id, reason, out } => {
            delegate::revoke(common, (kind, id), reason, out.as_deref())
        }
        Verb::Rotate { out } => delegate::rotate(common, out.as_deref()),
        Verb::Receive { folder, incomplete } => file::receive(common, folder, *incomplete),
        Verb::File { files } => file::file(common, files),
        Verb::Log(verb) => log::run(common, verb),
        Verb::Case(verb) => case::run(common, verb),
        Verb::Report(arguments) => case::report(common, arguments),
        Verb::Verify { bundle, root } => case::verify(common, bundle, root),
        Verb::Backup { out } => keep::backup(common, out),
        Verb::Restore { from, seen, same_log } => keep::restore(common, from, seen, *same_log),
        Verb::Stamp(stamp) => stamp::run(common, stamp),
        Verb::Archive(verb) => archive::run(common, verb),
        Verb::Trace(trace) => trace::run(common, trace),
        Verb::Bench(bench) => bench::run(common, bench),
        Verb::Selftest(selftest) => selftest::run(common, selftest),
        Verb::Demo { samples, out } => demo::run(common, samples, out),
        Verb::Completions { shell } => Ok(completions(*shell)),
    };
    match answer {
        Ok(answer) => answer.into(),
        Err(Trouble(message)) => {
            report::complain(&message);
            ExitCode::from(2)
        }
    }
}

/// By way of memory: `generate` panics where its writer fails, as standard output may.
fn completions(shell: clap_complete::Shell) -> Answer {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "tiermark", &mut script);
    report::print(&String::from_utf8_lossy(&script));
    Answer::Done
}

/// All that `named` stands for; nothing at all is a slip, not an answer.
fn find(named: &[PathBuf], links: Links) -> Result<Inputs, Trouble> {
    let inputs = Inputs::find(named, links);
    if inputs.files.is_empty() && inputs.unreadable.is_empty() {
        return Err(Trouble(
            "there are no files in what was named; hidden ones are left out unless named themselves"
                .to_owned(),
        ));
    }
    Ok(inputs)
}

/// The strength of a name that the arguments have let through.
fn strength(name: &str) -> tiermark::Strength {
    tiermark::Strength::named(name).expect("a name from the list")
}

/// Do `work` on as many threads as were asked for.
fn in_pool<T: Send>(jobs: u16, work: impl FnOnce() -> T + Send) -> Result<T, Trouble> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(usize::from(jobs)).build();
    Ok(pool.map_err(|error| Trouble(format!("no threads to work with: {error}")))?.install(work))
}

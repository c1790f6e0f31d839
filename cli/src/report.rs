//! The only place that speaks: results on standard output, everything else on standard error.

use std::io::{self, Write};
use std::process::ExitCode;

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{ContentArrangement, Table};
use serde_json::Value;
use tiermark::verdict::{Finding, shown};

/// How a run ended that could do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// All done; for trace, a mark was attributed.
    Done,
    /// Ran well, and the answer is no.
    No,
    /// Nothing could be done with any input.
    Nothing,
    /// Some inputs failed or were refused.
    Partly,
}

impl From<Answer> for ExitCode {
    fn from(answer: Answer) -> Self {
        Self::from(match answer {
            Answer::Done => 0,
            Answer::No => 1,
            Answer::Nothing => 2,
            Answer::Partly => 3,
        })
    }
}

/// Why a run could not do its work, in words for a person.
pub(crate) struct Trouble(pub(crate) String);

impl<E: std::error::Error> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Say on standard error what went wrong, on one line: a file's name in it must not pass for a message of ours.
pub(crate) fn complain(message: &str) {
    say(&format!("tiermark: {}", message.replace('\n', "\\n")));
}

/// Say something on standard error. If nobody can hear it, there is nothing better to do.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", visible(text));
}

/// One JSON object on a line of standard output.
pub(crate) fn json(object: &impl serde::Serialize) {
    if let Ok(line) = serde_json::to_string(object) {
        print(&line);
    }
}

/// A line or table on standard output.
///
/// Where it cannot be written the run ends at once with status 2: an answer that nobody got is none. A closed pipe needs
/// no message, its reader has seen enough.
pub(crate) fn print(text: &str) {
    let mut out = io::stdout().lock();
    let Err(error) = writeln!(out, "{text}").and_then(|()| out.flush()) else { return };
    if error.kind() != io::ErrorKind::BrokenPipe {
        complain(&format!("standard output could not be written: {error}"));
    }
    std::process::exit(2);
}

/// A table that fits the terminal.
pub(crate) fn table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(head);
    table.add_rows(rows.into_iter().map(|row| row.iter().map(|cell| visible(cell)).collect::<Vec<_>>()));
    table.to_string()
}

/// Text without what a terminal would obey: control characters, and marks that turn the direction of text, are written
/// out. Line breaks of our own texts stay.
pub(crate) fn visible(text: &str) -> String {
    // `gpj.exe` reads as `exe.jpg` after U+202E (Unicode TR 36, 3.1).
    let turns =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let obeyed = |c: char| (c.is_control() && c != '\n') || turns(c);
    text.chars().map(|c| if obeyed(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// A file's name for a person: one line, whatever it holds.
pub(crate) fn name_of(path: &std::path::Path) -> String {
    one_line(&shown(path))
}

/// Where a finding is about, for a person: the file, and the way into it.
pub(crate) fn place_of(finding: &Finding) -> String {
    one_line(&finding.place())
}

/// Text that others chose, on one line.
pub(crate) fn one_line(text: &str) -> String {
    visible(text).replace('\n', "\\n")
}

/// A value for JSON that may be missing.
pub(crate) fn optional(text: Option<String>) -> Value {
    text.map_or(Value::Null, Value::String)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_command_a_terminal() {
        assert_eq!(name_of(std::path::Path::new("a\u{1b}[31m\nb")), "a\\u{1b}[31m\\nb");
        assert_eq!(name_of(std::path::Path::new("a\u{202e}gpj.exe")), "a\\u{202e}gpj.exe");
        assert_eq!(name_of(std::path::Path::new("원화 1.png")), "원화 1.png");
    }

    #[test]
    fn exit_statuses_are_those_of_the_contract() {
        let code = |answer: Answer| format!("{:?}", ExitCode::from(answer));
        assert_eq!(code(Answer::Done), format!("{:?}", ExitCode::from(0)));
        assert_eq!(code(Answer::No), format!("{:?}", ExitCode::from(1)));
        assert_eq!(code(Answer::Nothing), format!("{:?}", ExitCode::from(2)));
        assert_eq!(code(Answer::Partly), format!("{:?}", ExitCode::from(3)));
    }
}

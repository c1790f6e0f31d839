//! The only place that speaks: results on standard output, everything else on standard error.

use std::io::{self, Write};
use std::process::ExitCode;

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{ContentArrangement, Table};
use serde_json::Value;

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

/// Say on standard error what went wrong.
pub(crate) fn complain(message: &str) {
    say(&format!("tiermark: {message}"));
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

/// A line or table on standard output. A closed pipe means that the reader has seen enough.
pub(crate) fn print(text: &str) {
    let mut out = io::stdout().lock();
    if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// A table that fits the terminal.
pub(crate) fn table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(head);
    table.add_rows(rows.into_iter().map(|row| row.iter().map(|cell| visible(cell)).collect::<Vec<_>>()));
    table.to_string()
}

/// Text without what a terminal would obey: control characters are written out. Line breaks of our own texts stay.
pub(crate) fn visible(text: &str) -> String {
    let shown =
        |c: char| if c.is_control() && c != '\n' { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

/// A file's name for a person: one line, whatever it holds.
pub(crate) fn name_of(path: &std::path::Path) -> String {
    visible(&path.to_string_lossy()).replace('\n', "\\n")
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

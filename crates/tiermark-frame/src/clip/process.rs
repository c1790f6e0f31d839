//! Another program, started, watched, and ended.

use std::ffi::OsString;
use std::io::Read;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::FrameError;

/// What is kept of what a program complains about.
const MOST_WORDS: usize = 64 << 10;

/// A running program. Dropped, it is killed.
pub(crate) struct Tool {
    child: Arc<Mutex<Child>>,
    words: Option<JoinHandle<Vec<u8>>>,
    /// Dropped when the program has ended: nobody waits for it any more.
    watched: Option<Sender<()>>,
    late: Arc<AtomicBool>,
    seconds: u64,
}

/// Which ends of a program are ours.
pub(crate) enum Ends {
    /// We read what it writes.
    Output,
    /// We write what it reads.
    Input,
    /// Both.
    Both,
}

impl Tool {
    /// Start `program`, which may run for so many seconds.
    pub(crate) fn start(
        program: &str,
        arguments: &[OsString],
        ends: &Ends,
        seconds: u64,
    ) -> Result<Self, FrameError> {
        let (input, output) = match ends {
            Ends::Output => (Stdio::null(), Stdio::piped()),
            Ends::Input => (Stdio::piped(), Stdio::null()),
            Ends::Both => (Stdio::piped(), Stdio::piped()),
        };
        let mut command = Command::new(program);
        command.args(arguments).stdin(input).stdout(output).stderr(Stdio::piped());
        // Either would make it write a report where it likes.
        command.env_remove("FFREPORT").env_remove("AV_LOG_FORCE_COLOR");
        let mut child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => FrameError::NeedsFfmpeg,
            _ => FrameError::Clip(format!("{program} could not be started: {error}")),
        })?;
        let words = child.stderr.take().map(|stderr| thread::spawn(move || last_words(stderr)));
        let child = Arc::new(Mutex::new(child));
        let late = Arc::new(AtomicBool::new(false));
        let (watched, wait) = mpsc::channel();
        let (again, flag) = (Arc::clone(&child), Arc::clone(&late));
        thread::spawn(move || {
            if wait.recv_timeout(Duration::from_secs(seconds)) == Err(RecvTimeoutError::Timeout) {
                flag.store(true, Ordering::Relaxed);
                kill(&again);
            }
        });
        Ok(Self { child, words, watched: Some(watched), late, seconds })
    }

    /// What it writes.
    pub(crate) fn output(&self) -> Option<ChildStdout> {
        self.lock().stdout.take()
    }

    /// What it reads.
    pub(crate) fn input(&self) -> Option<ChildStdin> {
        self.lock().stdin.take()
    }

    /// End it: whoever waits at its pipes waits no longer.
    pub(crate) fn end(&self) {
        kill(&self.child);
    }

    /// Wait for its end. Our ends of its pipes must be closed.
    ///
    /// # Errors
    /// In its own last words, if it failed; or that it took too long.
    pub(crate) fn finish(self) -> Result<(), FrameError> {
        self.ended().map(|_| ())
    }

    /// The same where a complaint is an error, even if the program made do: what is damaged is decoded to something.
    pub(super) fn finish_without_complaint(self) -> Result<(), FrameError> {
        match reason(&self.ended()?) {
            Some(complaint) => Err(FrameError::Clip(complaint)),
            None => Ok(()),
        }
    }

    /// Wait for its end; what it complained about.
    fn ended(mut self) -> Result<Vec<u8>, FrameError> {
        let ended = loop {
            // The lock is let go in between: the watch may have to kill it.
            match self.lock().try_wait() {
                Ok(None) => {}
                Ok(Some(status)) => break Ok(status),
                Err(error) => break Err(error),
            }
            thread::sleep(Duration::from_millis(2));
        };
        self.watched = None;
        let words = self.words.take().and_then(|words| words.join().ok()).unwrap_or_default();
        if self.late.load(Ordering::Relaxed) {
            return Err(FrameError::OverLimit(format!(
                "a clip that takes more than {} seconds; --max-clip-seconds allows more",
                self.seconds
            )));
        }
        match ended {
            Ok(status) if status.success() => Ok(words),
            Ok(status) => Err(FrameError::Clip(reason(&words).unwrap_or_else(|| status.to_string()))),
            Err(error) => Err(FrameError::Clip(error.to_string())),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        self.watched = None;
        kill(&self.child);
    }
}

/// End a program, and take its entry from the system's table.
fn kill(child: &Mutex<Child>) {
    let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

/// The end of what a program complains about; all of it is read, or it would stop when the pipe is full.
fn last_words(mut stderr: ChildStderr) -> Vec<u8> {
    let (mut words, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(read @ 1..) = stderr.read(&mut buffer) {
        words.extend_from_slice(&buffer[..read]);
        if words.len() > 2 * MOST_WORDS {
            words.drain(..words.len() - MOST_WORDS);
        }
    }
    words
}

/// The last line of what was complained about, without the path in front, and without what would move a cursor.
fn reason(words: &[u8]) -> Option<String> {
    const LONGEST: usize = 300;
    let words = String::from_utf8_lossy(words);
    // Those say only that there was one.
    let idle = ["", "Conversion failed!"];
    let says = |line: &&str| !idle.contains(line) && !line.ends_with("--");
    let line = words.lines().map(str::trim).rfind(says)?;
    let line = if line.starts_with("file:") { line.rsplit(": ").next().unwrap_or(line) } else { line };
    Some(line.chars().filter(|letter| !letter.is_control()).take(LONGEST).collect())
}

/// A path as an address that can be nothing but a file's: no option, no other protocol.
pub(super) fn address(path: &Path) -> OsString {
    let mut address = OsString::from("file:");
    address.push(path);
    address
}

/// Words as arguments.
pub(super) fn words<const N: usize>(words: [&str; N]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use std::time::Instant;

    use super::*;

    #[test]
    fn a_program_that_is_missing_is_named_with_the_way_out() {
        let error = Tool::start("no-such-ffmpeg", &[], &Ends::Output, 1).err().unwrap();
        assert_eq!(error, FrameError::NeedsFfmpeg);
        assert!(error.to_string().contains("install"), "{error}");
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let start = Instant::now();
        let tool = Tool::start("sleep", &words(["60"]), &Ends::Output, 1).unwrap();
        assert!(matches!(tool.finish(), Err(FrameError::OverLimit(_))));
        let tool = Tool::start("sleep", &words(["60"]), &Ends::Output, 60).unwrap();
        drop(tool);
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn the_last_words_come_without_path_and_control_codes() {
        let words = b"something\nfile:/a/b: c.mp4: Invalid data\x1b[2J found\nConversion failed!\n\n";
        assert_eq!(reason(words).unwrap(), "Invalid data[2J found");
        assert_eq!(reason(b"\n \n"), None);
    }
}

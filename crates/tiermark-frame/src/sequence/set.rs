//! Frames by their numbers, as people write them.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// A set of frame numbers: `1001-1010`, `1-10x3` (every third), `1-10y3` (all but every third), `1-9:4` (every fourth, then
/// what lies between, more and more densely: all of them), `10-1`, `-5--3`, and several with commas between.
///
/// The spelling is that of the Python library fileseq, which renderers and trackers share.
///
/// ```
/// let set: tiermark_frame::FrameSet = "1001-1002,1004-1008x2".parse()?;
/// assert!(set.contains(1006) && !set.contains(1005));
/// assert_eq!(set.to_string(), "1001-1002,1004-1008x2");
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrameSet(BTreeSet<i64>);

impl FrameSet {
    /// Whether a frame is one of them.
    pub fn contains(&self, frame: i64) -> bool {
        self.0.contains(&frame)
    }

    /// All of them, the lowest first.
    pub fn iter(&self) -> impl Iterator<Item = i64> {
        self.0.iter().copied()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is missing between the first and the last, by the step that most neighbours have.
    #[must_use]
    pub fn holes(&self) -> Self {
        let numbers: Vec<i64> = self.iter().collect();
        let steps = numbers.windows(2).map(|pair| pair[1] - pair[0]);
        let Some(step) = steps.min() else { return Self::default() };
        let (first, last) = (numbers[0], numbers[numbers.len() - 1]);
        let all = (0..MOST as i64).map(|i| first + i * step).take_while(|frame| *frame < last);
        Self(all.filter(|frame| !self.contains(*frame)).collect())
    }
}

impl FromIterator<i64> for FrameSet {
    fn from_iter<I: IntoIterator<Item = i64>>(frames: I) -> Self {
        Self(frames.into_iter().collect())
    }
}

impl FromStr for FrameSet {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut set = BTreeSet::new();
        let mut told = 0; // numbers told twice take their time, too
        for part in text.split(',') {
            let part = part.trim();
            let wrong = || format!("{part:?} is no range of frames; write 1001-1010, 1-10x2 or 1,3,5-9");
            let (range, step) = match part.find(['x', 'y', ':']) {
                Some(at) => (&part[..at], Some((part.as_bytes()[at], &part[at + 1..]))),
                None => (part, None),
            };
            let (from, to) = ends(range).ok_or_else(wrong)?;
            let (kind, step) = match step {
                None => (b'x', 1),
                Some((kind, step)) => (kind, step.parse().ok().filter(|step| *step > 0).ok_or_else(wrong)?),
            };
            told += from.abs_diff(to) + 1;
            if told > MOST {
                return Err(format!("there are more than {MOST} frames up to {part:?}"));
            }
            let sign = if to < from { -1 } else { 1 };
            let all = (0..=from.abs_diff(to) as i64).map(|i| (i, from + sign * i));
            let chosen = all.filter(|(i, _)| match kind {
                b'x' => i % step == 0,
                b'y' => i % step != 0,
                _ => true,
            });
            set.extend(chosen.map(|(_, frame)| frame));
        }
        Ok(Self(set))
    }
}

/// First and last of `7`, `1-10`, `-5--3`.
fn ends(range: &str) -> Option<(i64, i64)> {
    let dash = range.get(1..)?.find('-').map(|at| at + 1);
    let number = |text: &str| text.parse().ok().filter(|v: &i64| v.abs() < 1 << 53);
    match dash {
        Some(dash) => Some((number(&range[..dash])?, number(&range[dash + 1..])?)),
        None => number(range).map(|v| (v, v)),
    }
}

impl fmt::Display for FrameSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<i64> = self.iter().collect();
        let mut rest = &numbers[..];
        while let [first, ..] = rest {
            if rest.len() < numbers.len() {
                f.write_str(",")?;
            }
            let step = rest.get(1).map_or(1, |second| second - first);
            let run = 1 + rest.windows(2).take_while(|pair| pair[1] - pair[0] == step).count();
            let run = if run == 2 && step > 1 { 1 } else { run };
            match (run, step) {
                (1, _) => write!(f, "{first}")?,
                (_, 1) => write!(f, "{first}-{}", rest[run - 1])?,
                _ => write!(f, "{first}-{}x{step}", rest[run - 1])?,
            }
            rest = &rest[run..];
        }
        Ok(())
    }
}

/// More frames than any shot has.
const MOST: u64 = 1_000_000;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;

    #[test]
    fn sets_are_what_fileseq_makes_of_them() {
        for (text, want) in [
            ("7", vec![7]),
            ("1-5", vec![1, 2, 3, 4, 5]),
            ("1-10x3", vec![1, 4, 7, 10]),
            ("1-10y3", vec![2, 3, 5, 6, 8, 9]),
            ("1-5:2", vec![1, 2, 3, 4, 5]),
            ("-5--3", vec![-5, -4, -3]),
            ("10-8", vec![8, 9, 10]),
            ("1,3, 5-6", vec![1, 3, 5, 6]),
        ] {
            assert_eq!(text.parse::<FrameSet>().unwrap().iter().collect::<Vec<_>>(), want, "{text}");
        }
        for wrong in ["", "a", "1-", "1-2-3", "1x2x3", "1-5x0", "1-5x-1", "--", "1-9999999999", "1-2x", "é-1"]
        {
            assert!(wrong.parse::<FrameSet>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_told_again_and_again_take_no_time() {
        assert!("1-1000000".parse::<FrameSet>().is_ok());
        assert!("1-999999,".repeat(1000).trim_end_matches(',').parse::<FrameSet>().is_err());
    }

    #[test]
    fn sets_are_written_shortly_and_read_back() {
        for text in ["1001-1002,1004-1005", "1-9x2", "3", "1,5", "-3--1,7"] {
            assert_eq!(text.parse::<FrameSet>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn holes_are_what_the_usual_step_misses() {
        let holes = |text: &str| text.parse::<FrameSet>().unwrap().holes().to_string();
        assert_eq!(holes("1001-1002,1004-1005"), "1003");
        assert_eq!(holes("1-9x2,13"), "11");
        assert_eq!(holes("5"), "");
        assert_eq!(holes("1-10"), "");
    }
}

//! Attackers who hold many copies and no key.
//!
//! They take what all copies have in common for the mark, and subtract it. Content-bound places and keyed signs are there
//! against that; a shot, whose frames share one place, gives itself away to who averages enough of it.

use rayon::prelude::*;
use tiermark_frame::{Frame, Limits};
use tiermark_mark::{ContentId, Effort, Picture, Question, pixels_per_ref};
use tiermark_signal::filter::gaussian;
use tiermark_signal::{Plane, Size};

use super::journal::{Journal, JournalError, Line};
use super::marks::{Marks, judged};
use super::planes_of;
use crate::inputs::Input;
use crate::sink::read_bounded;

/// All frames are cut and scaled to this, so that they lie alike.
const SIZE: Size = Size { width: 1280, height: 720 };
/// Pictures that are used at most, each turned and moved to stand for many.
const PICTURES: usize = 12;
/// What is subtracted: half as much again as was estimated.
const GAIN: f32 = 1.5;
/// Changes larger than this belong to the drawing, an attacker knows; code values.
const CLIP: f32 = 3.0;

/// Copies averaged: a first few, and all.
const FEW: usize = 32;
const MANY: usize = 1000;
/// Gains of the fold of a single frame.
const FOLDS: [f32; 2] = [1.0, 1.6];

/// Run all attackers once, over all pictures together, what the journal lacks; on all threads of the pool.
pub(super) fn run(marks: &Marks, inputs: &[Input], journal: &Journal) -> Result<(), JournalError> {
    let done = |row: &str| journal.has(SUBJECT, row);
    let averages = |one_shot: bool| [FEW, MANY].map(|count| average_row(count, one_shot));
    let mut rows = [true, false].iter().flat_map(|&shot| averages(shot)).chain(FOLDS.iter().map(fold_row));
    if rows.all(|row| done(&row)) {
        return Ok(());
    }
    let pictures: Vec<Vec<Plane>> = inputs.iter().filter_map(picture_of).take(PICTURES).collect();
    if pictures.is_empty() {
        return Ok(());
    }
    for one_shot in [true, false] {
        if !averages(one_shot).iter().all(|row| done(row)) {
            for line in averaged(marks, &pictures, one_shot) {
                journal.put(&line)?;
            }
        }
    }
    for gain in FOLDS {
        if !done(&fold_row(&gain)) {
            journal.put(&folded(marks, &pictures[0], gain))?;
        }
    }
    Ok(())
}

const SUBJECT: &str = "all pictures";
pub(super) const CLASS: &str = "attackers";

fn average_row(count: usize, one_shot: bool) -> String {
    let shots = if one_shot { "one-shot" } else { "many-shots" };
    format!("mean-of-{count}-frames-of-{shots}-subtracted-{GAIN}-times")
}

fn fold_row(gain: &f32) -> String {
    format!("one-frame-folded-and-subtracted-{gain}-times")
}

/// A picture of the common size; smaller ones are left out.
fn picture_of(input: &Input) -> Option<Vec<Plane>> {
    let limits = Limits::default();
    let frame = Frame::decode(read_bounded(&input.path, limits.max_file_bytes).ok()?, &limits).ok()?;
    let size = frame.size();
    if size.width < SIZE.width || size.height < SIZE.height {
        return None;
    }
    let planes = planes_of(&super::on_white(&super::picture_of_frame(&frame))).0;
    let (left, top) = ((size.width - SIZE.width) / 2, (size.height - SIZE.height) / 2);
    Some(planes.iter().map(|plane| Plane::from_fn(SIZE, |x, y| plane.at(left + x, top + y))).collect())
}

/// Frame number `n` of many: one of the pictures, mirrored and rolled so that no two are alike.
fn frame(pictures: &[Vec<Plane>], n: usize) -> Vec<Plane> {
    let (dx, dy) = (n * 97 % SIZE.width, n * 61 % SIZE.height);
    let mirrored = n / pictures.len() % 2 == 1;
    let rolled = |plane: &Plane| {
        Plane::from_fn(SIZE, |x, y| {
            let x = (x + dx) % SIZE.width;
            plane.at(if mirrored { SIZE.width - 1 - x } else { x }, (y + dy) % SIZE.height)
        })
    };
    pictures[n % pictures.len()].iter().map(rolled).collect()
}

/// The copy of a frame that an attacker holds.
fn copy(marks: &Marks, host: &[Plane], content: u64) -> Vec<Plane> {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&content.to_be_bytes());
    let picture = Picture { colours: host, alpha: None, premultiplied: false };
    let marked = marks.planes(&picture, &ContentId(id), &marks.truth(0));
    marked.into_iter().map(|plane| plane.map(|v| v.round().clamp(0.0, 255.0))).collect()
}

/// What stands out of a smooth version of the green channel: most of the mark, and what is left of lines.
fn residual(copy: &[Plane]) -> Plane {
    let (fine, coarse) = (gaussian(&copy[1], 1.0), gaussian(&copy[1], 24.0));
    let mut residual = fine;
    let pairs = residual.samples_mut().iter_mut().zip(coarse.samples());
    pairs.for_each(|(v, c)| *v = (*v - c).clamp(-CLIP, CLIP));
    residual
}

fn subtract(copy: &[Plane], estimate: &Plane, gain: f32) -> Vec<Plane> {
    let without = |plane: &Plane| {
        let mut left = plane.clone();
        let pairs = left.samples_mut().iter_mut().zip(estimate.samples());
        pairs.for_each(|(v, e)| *v = (*v - gain * e).round().clamp(0.0, 255.0));
        left
    };
    copy.iter().map(without).collect()
}

/// What is read of a copy after the mean of few, and of many, was subtracted.
fn averaged(marks: &Marks, pictures: &[Vec<Plane>], one_shot: bool) -> [Line; 2] {
    let content = |n: usize| if one_shot { 0 } else { 1 + n as u64 };
    let sum_of = |frames: std::ops::Range<usize>| {
        let mut sum = Plane::filled(SIZE, 0.0);
        for n in frames {
            add(&mut sum, &residual(&copy(marks, &frame(pictures, n), content(n))));
        }
        sum
    };
    // Few at a time, and their sums in order: the same bits on any number of threads.
    let starts: Vec<usize> = (1..=MANY).step_by(FEW).collect();
    let sums: Vec<Plane> = starts.par_iter().map(|&n| sum_of(n..(n + FEW).min(MANY + 1))).collect();
    let mut all = Plane::filled(SIZE, 0.0);
    sums.iter().for_each(|sum| add(&mut all, sum));
    let victim = copy(marks, &frame(pictures, 0), content(0));
    [(FEW, &sums[0]), (MANY, &all)].map(|(count, sum)| {
        let left = subtract(&victim, sum, GAIN / count as f32);
        read(marks, &left, &average_row(count, one_shot))
    })
}

fn add(sum: &mut Plane, plane: &Plane) {
    sum.samples_mut().iter_mut().zip(plane.samples()).for_each(|(sum, v)| *sum += v);
}

/// The mean over all tiles of one frame, subtracted from each of them: the lattice is periodic, the word is not.
fn folded(marks: &Marks, picture: &[Plane], gain: f32) -> Line {
    let period = (256.0 * pixels_per_ref(SIZE)) as usize;
    let victim = copy(marks, picture, 0);
    let residual = residual(&victim);
    let tile = Size { width: period, height: period };
    let (mut sum, mut count) = (Plane::filled(tile, 0.0), Plane::filled(tile, 0.0));
    for y in 0..SIZE.height {
        for x in 0..SIZE.width {
            sum.row_mut(y % period)[x % period] += residual.at(x, y);
            count.row_mut(y % period)[x % period] += 1.0;
        }
    }
    let estimate =
        Plane::from_fn(SIZE, |x, y| sum.at(x % period, y % period) / count.at(x % period, y % period));
    read(marks, &subtract(&victim, &estimate, gain), &fold_row(&gain))
}

fn read(marks: &Marks, found: &[Plane], row: &str) -> Line {
    let picture = Picture { colours: found, alpha: None, premultiplied: false };
    let question =
        Question { listed: 0, known: &marks.known, frames: &[SIZE], contents: &[], effort: Effort::Full };
    let readings = marks.detector.read(&picture, &question);
    Line::new(SUBJECT, CLASS, row).of_outcome(judged(&readings, &[marks.truth(0)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{Outcome, Tiers};
    use tiermark_mark::Strength;

    #[test]
    fn a_mark_subtracted_exactly_is_gone_and_one_of_another_shot_stays() {
        let marks = Marks::from_seed(1, "attackers", Tiers::One, Strength::STANDARD);
        let host = vec![Plane::from_fn(SIZE, |x, y| 120.0 + ((x / 160 + y / 90) % 3) as f32 * 30.0); 3];
        let of = |content: u64| copy(&marks, &host, content);
        let mark = |copy: &[Plane]| {
            let mut mark = copy[1].clone();
            mark.samples_mut().iter_mut().zip(host[1].samples()).for_each(|(v, h)| *v -= h);
            mark
        };
        let (own, other) = (mark(&of(1)), mark(&of(2)));
        let outcome = |estimate: &Plane| read(&marks, &subtract(&of(1), estimate, 1.0), "test").outcome;
        assert!(matches!(outcome(&own), Some(Outcome::Nothing { .. })));
        assert!(matches!(outcome(&other), Some(Outcome::Named { z, .. }) if z > 15.0));
    }
}

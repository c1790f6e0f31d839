//! A found picture that a drawing operator was applied to: lines extracted from it, or its colours cut to steps.
//!
//! The original goes through the same operator first; which one, the two pictures tell. What each of its values became then
//! tells what is expected at each place, how much of a mark comes through there, and how widely it scatters, be it a curve or a
//! threshold. The adjoint of the operator brings what is left back to where a mark must have been.

use tiermark_signal::compare::{Became, Blur, Operator, Tone};
use tiermark_signal::filter::{box_mean, gaussian};
use tiermark_signal::{Plane, Wide, widest};

use super::Laid;
use super::residual::{Part, is_grey, luma};

/// What is further off than so many deviations is cut there.
const MOST: f32 = 6.0;
/// Samples to each side of a place over which it is asked whether more is left than the operator leaves.
const AROUND: usize = 6;
/// Places are trusted at least as much as this share of the mean, so that what the adjoint brings there counts.
const LEAST: f32 = 0.01;

/// What is left of luma beside an original that went through the operator; `None` if curve and blur explain the picture.
pub(super) fn left(laid: &Laid<'_>) -> Option<Part> {
    let grey = laid.found.len() == 1 || is_grey(laid.found, laid.valid);
    let (before, after) = if grey {
        (vec![luma(laid.original)], vec![luma(laid.found)])
    } else {
        (laid.original.to_vec(), laid.found.to_vec())
    };
    // Of three colours green is the one that was stored most finely.
    let main = after.len() / 2;
    let operator = operator(&before[main.min(before.len() - 1)], &after[main], laid.valid)?;
    let sum = |mut sum: Part, part: Part| {
        add(&mut sum.left, &part.left);
        add(&mut sum.weight, &part.weight);
        sum
    };
    let channel =
        |(c, after): (usize, &Plane)| channel(operator, &before[c.min(before.len() - 1)], after, laid.valid);
    let mut part = after.iter().enumerate().filter_map(channel).reduce(sum)?;
    let mean = part.weight.samples().iter().sum::<f32>() / part.weight.samples().len() as f32;
    let samples = part.weight.samples_mut().iter_mut().zip(part.left.samples_mut());
    for ((weight, left), valid) in samples.zip(laid.valid.samples()) {
        *weight = valid * (*weight + LEAST * mean);
        *left = if *weight > 0.0 { *left / *weight } else { 0.0 };
    }
    Some(part)
}

fn operator(before: &Plane, after: &Plane, valid: &Plane) -> Option<Operator> {
    let one = std::slice::from_ref;
    let toned = Tone::fit(one(before), one(after), valid).apply(one(before)).remove(0);
    let blur = Blur::fit(&toned, after, valid);
    let plain = if blur.is_plain { blur.apply(&toned) } else { toned };
    Operator::between(before, after, &plain, valid)
}

/// What one channel brings: in `left` already weighed, in `weight` the inverse variance of a change.
fn channel(operator: Operator, before: &Plane, after: &Plane, valid: &Plane) -> Option<Part> {
    let made = operator.apply(before);
    let (from, to): (Vec<f32>, Vec<f32>) = made
        .samples()
        .iter()
        .zip(after.samples())
        .zip(valid.samples())
        .filter(|(_, valid)| **valid > 0.0)
        .map(|((made, after), _)| (*made, *after))
        .unzip();
    let became = Became::fit(&from, &to)?;
    let empty = || Plane::filled(after.size(), 0.0);
    let [mut off, mut slope, mut variance] = [empty(), empty(), empty()];
    let planes = [&mut off, &mut slope, &mut variance].map(Plane::samples_mut);
    widest(Expect { became: &became, made: &made, after, valid, planes });
    let more = more_than_expected(&off, &variance);
    let mut weight = operator.gain(before);
    let samples = off.samples_mut().iter_mut().zip(slope.samples()).zip(variance.samples());
    for (((off, slope), variance), (weight, more)) in
        samples.zip(weight.samples_mut().iter_mut().zip(more.samples()))
    {
        let variance = variance * more;
        let limit = MOST * variance.sqrt();
        *off = slope * off.clamp(-limit, limit) / variance;
        *weight *= slope * slope / variance;
    }
    let left = operator.adjoint(before, &off);
    Some(Part { left, weight, slope: Plane::filled(after.size(), 1.0) })
}

struct Expect<'a> {
    became: &'a Became,
    made: &'a Plane,
    after: &'a Plane,
    valid: &'a Plane,
    planes: [&'a mut [f32]; 3],
}

impl Wide for Expect<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { became, made, after, valid, planes: [off, slope, variance] } = self;
        let given = made.samples().iter().zip(after.samples()).zip(valid.samples());
        let found = off.iter_mut().zip(slope).zip(variance);
        for (((made, after), valid), ((off, slope), variance)) in given.zip(found) {
            let [mean, rise, around] = became.of(*made);
            *off = valid * (after - mean);
            (*slope, *variance) = (valid * rise, around);
        }
    }
}

/// By what factor more is left around each place than its values leave elsewhere: what was drawn over, and codecs.
fn more_than_expected(off: &Plane, variance: &Plane) -> Plane {
    let mut more = box_mean(&off.clone().map(|v| v * v), AROUND);
    let expected = box_mean(variance, AROUND);
    more.samples_mut().iter_mut().zip(expected.samples()).for_each(|(m, e)| *m = (*m / e).max(1.0));
    gaussian(&more, 1.0)
}

fn add(sum: &mut Plane, other: &Plane) {
    sum.samples_mut().iter_mut().zip(other.samples()).for_each(|(a, b)| *a += b);
}

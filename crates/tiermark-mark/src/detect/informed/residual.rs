//! What of a found picture its original does not explain.

use tiermark_signal::compare::{Blur, Tone};
use tiermark_signal::filter::{box_mean, gaussian};
use tiermark_signal::{Plane, Wide, widest};

use super::Laid;
use crate::embed::Picture;

/// Luma and colour differences that are left.
pub(super) struct Residual {
    /// Luma of the original as it became before it was quantised.
    pub(super) expected: Plane,
    /// Luma as it was found.
    pub(super) found: Plane,
    /// How much what was done softened it, px.
    pub(super) sigma: f32,
    pub(super) luma: Part,
    pub(super) chroma: Option<[Part; 2]>,
}

/// One component that is left, and how far each place can be trusted.
pub(super) struct Part {
    /// Code values, limited.
    pub(super) left: Plane,
    /// Inverse variance; 0.0 where the original is not.
    pub(super) weight: Plane,
    /// By what the mark was multiplied at each place.
    pub(super) slope: Plane,
}

/// Colour differences below this are none, code values.
const GREY: f32 = 0.15;
/// Tones that move half of the picture less than this are called none, code values.
const UNTONED: f32 = 4.0;
/// From this blur on the mark is looked for under the same blur, px.
const BLURRED: f32 = 1.0;

impl Residual {
    pub(super) fn of(laid: &Laid<'_>) -> Self {
        let grey = laid.found.len() == 3 && is_grey(laid.found, laid.valid);
        let own;
        let found = if grey {
            own = vec![luma(laid.found)];
            own.as_slice()
        } else {
            laid.found
        };
        let tone = Tone::fit_softened(laid.original, found, laid.valid);
        let toned = tone.apply(laid.original);
        let (before, after) = (luma(&toned), luma(found));
        let valid = &uncovered(&before, &after, laid.valid);
        let blur = Blur::fit(&before, &after, valid);
        let mut slope = tone.luma_slope(laid.original);
        let expected = blur.apply(&before);
        let mut part = Part::new(&expected, &after, valid);
        if blur.sigma >= BLURRED {
            part = part.blurred(blur.sigma);
            slope = gaussian(&slope, blur.sigma);
        }
        part.slope = slope;
        let chroma = (found.len() == 3).then(|| {
            let (toned, found) = (differences(&toned), differences(found));
            let gain = tone.chroma_gain();
            [0, 1].map(|i| {
                let part = Part::new(&gaussian(&toned[i], blur.sigma), &found[i], valid);
                Part { slope: Plane::filled(laid.valid.size(), gain), ..part }
            })
        });
        let expected = unquantised(before, &blur, laid, valid);
        Self { expected, found: after, sigma: blur.sigma, luma: part, chroma }
    }

    /// What the quantised way asks for.
    pub(super) fn unquantised(self) -> Unquantised {
        let Self { expected, found, sigma, luma, .. } = self;
        Unquantised { expected, found, sigma, slope: luma.slope }
    }
}

/// Luma before and after a quantiser.
pub(super) struct Unquantised {
    pub(super) expected: Plane,
    pub(super) found: Plane,
    pub(super) sigma: f32,
    /// By what the mark was multiplied at each place.
    pub(super) slope: Plane,
}

impl Unquantised {
    /// From luma alone, without all that the other ways ask for.
    pub(super) fn of(laid: &Laid<'_>) -> Self {
        let found = luma(laid.found);
        let tone = Tone::fit_softened(laid.original, std::slice::from_ref(&found), laid.valid);
        let before = tone.apply(laid.original).remove(0);
        let valid = &uncovered(&before, &found, laid.valid);
        let blur = Blur::fit(&before, &found, valid);
        let expected = unquantised(before, &blur, laid, valid);
        let mut slope = tone.luma_slope(laid.original);
        if blur.sigma >= BLURRED {
            slope = gaussian(&slope, blur.sigma);
        }
        Self { expected, found, sigma: blur.sigma, slope }
    }
}

/// A quantiser moves flat colour to its steps, and the fitted tone with it. Where that is all, the tone was none.
fn unquantised(toned: Plane, blur: &Blur, laid: &Laid<'_>, valid: &Plane) -> Plane {
    let untoned = luma(laid.original);
    let sharp = if median_apart(&untoned, &toned, valid) < UNTONED { untoned } else { toned };
    if blur.is_plain { blur.apply(&sharp) } else { sharp }
}

impl Part {
    /// Where the two differ, with weights from the differences around each place.
    fn new(expected: &Plane, found: &Plane, valid: &Plane) -> Self {
        let mut left = found.clone();
        let others = expected.samples().iter().zip(valid.samples());
        left.samples_mut().iter_mut().zip(others).for_each(|(f, (e, valid))| *f = valid * (*f - e));
        let square = left.clone().map(|v| v * v);
        let around = box_mean(&square, 3);
        let usual = median(&around, valid);
        let mut weight = around;
        widest(Weigh { left: &mut left, weight: &mut weight, valid, usual });
        Self { left, weight, slope: Plane::filled(valid.size(), 1.0) }
    }

    /// The same seen through a blur: the adjoint of what was done to the mark.
    fn blurred(self, sigma: f32) -> Self {
        let mut product = self.left;
        product.samples_mut().iter_mut().zip(self.weight.samples()).for_each(|(v, w)| *v *= w);
        let product = gaussian(&product, sigma);
        let weight = gaussian(&self.weight, sigma);
        let mut left = product;
        left.samples_mut().iter_mut().zip(weight.samples()).for_each(|(v, w)| *v /= w.max(f32::MIN_POSITIVE));
        Self { left, weight, slope: self.slope }
    }
}

struct Weigh<'a> {
    left: &'a mut Plane,
    weight: &'a mut Plane,
    valid: &'a Plane,
    usual: f32,
}

impl Wide for Weigh<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        // A quarter of what is usual, so that no place is trusted without bound, and half of rounding.
        let floor = 0.25 * self.usual + 0.05;
        let samples = self.left.samples_mut().iter_mut().zip(self.weight.samples_mut());
        for ((left, weight), valid) in samples.zip(self.valid.samples()) {
            let variance = *weight + floor;
            let limit = 3.0 * variance.sqrt();
            *left = left.max(-limit).min(limit);
            *weight = valid / variance;
        }
    }
}

/// Where the found picture is not covered by something else: there the mean over a window is what it was, whatever blurs,
/// noise and codecs did. All that is valid if hardly anything is left.
fn uncovered(expected: &Plane, found: &Plane, valid: &Plane) -> Plane {
    /// Samples to each side of a place: less than a brush is wide, more than a line.
    const AROUND: usize = 10;
    /// Code values.
    const APART: f32 = 24.0;
    /// Share of what is covered around a place.
    const MOST: f32 = 0.3;
    const LEAST: f64 = 0.02;
    let mut apart = found.clone();
    let others = expected.samples().iter().zip(valid.samples());
    apart.samples_mut().iter_mut().zip(others).for_each(|(f, (e, valid))| *f = valid * (*f - e));
    // Paint is somewhere as light as what it covers: nothing is trusted that is mostly surrounded by it.
    let covered = box_mean(&apart, AROUND).map(|v| if v.abs() > APART { 1.0 } else { 0.0 });
    let mut kept = box_mean(&covered, AROUND);
    let places = kept.samples_mut().iter_mut().zip(valid.samples());
    places.for_each(|(v, valid)| *v = if *v > MOST { 0.0 } else { *valid });
    let area = |plane: &Plane| plane.samples().iter().map(|v| f64::from(*v)).sum::<f64>();
    if area(&kept) < LEAST * area(valid) { valid.clone() } else { kept }
}

fn median_apart(one: &Plane, other: &Plane, valid: &Plane) -> f32 {
    middle(one.samples().iter().zip(other.samples()).map(|(a, b)| (a - b).abs()), valid)
}

fn median(plane: &Plane, valid: &Plane) -> f32 {
    middle(plane.samples().iter().copied(), valid)
}

/// The median of what is valid, every 17th sample.
fn middle(samples: impl Iterator<Item = f32>, valid: &Plane) -> f32 {
    let pairs = samples.zip(valid.samples()).step_by(17);
    let mut values: Vec<f32> = pairs.filter(|(_, valid)| **valid > 0.0).map(|(v, _)| v).collect();
    if values.is_empty() {
        return 1.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f32::total_cmp).1
}

pub(super) fn luma(colours: &[Plane]) -> Plane {
    Picture { colours, alpha: None, premultiplied: false }.luma()
}

/// Cb and Cr.
fn differences(colours: &[Plane]) -> [Plane; 2] {
    let luma = luma(colours);
    [(2, 1.772), (0, 1.402)].map(|(c, scale): (usize, f32)| {
        let mut plane = colours[c].clone();
        plane.samples_mut().iter_mut().zip(luma.samples()).for_each(|(v, l)| *v = (*v - l) / scale);
        plane
    })
}

pub(super) fn is_grey(colours: &[Plane], valid: &Plane) -> bool {
    let [red, green, blue] = colours else { return true };
    let pairs = red.samples().iter().zip(blue.samples()).zip(green.samples().iter().zip(valid.samples()));
    let apart = pairs.map(|((r, b), (g, valid))| f64::from(valid * ((r - g).abs() + (b - g).abs())));
    let covered: f64 = valid.samples().iter().map(|v| f64::from(*v)).sum();
    apart.sum::<f64>() < f64::from(2.0 * GREY) * covered.max(1.0)
}

//! A found picture that a drawing operator was applied to: lines extracted from it, or its colours cut to steps.
//!
//! The original goes through the same operator first; which one, the two pictures tell. What each of its values became then
//! tells what is expected at each place, how much of a mark comes through there, and how widely it scatters, be it a curve or a
//! threshold. The adjoint of the operator brings what is left back to where a mark must have been.

use tiermark_signal::compare::{Became, Blur, Operator, Tone};
use tiermark_signal::filter::{box_mean, gaussian};
use tiermark_signal::whiten::whitened;
use tiermark_signal::{Plane, Wide, widest};

use super::Laid;
use super::residual::{Part, is_grey, luma};

/// What is further off than so many deviations is cut there.
const MOST: f32 = 6.0;
/// Samples to each side of a place over which it is asked whether more is left than the operator leaves.
const AROUND: usize = 6;
/// The least share of what its values leave elsewhere that a place is trusted to leave: lines are told much better in some
/// places than in others. Steps are not; that few crossed one around a place is no reason to trust those that did.
const LEAST: f32 = 0.1;
const LEAST_OF_STEPS: f32 = 1.0;

/// What is left of luma beside an original that went through an operator.
pub(super) struct Operated {
    pub(super) part: Part,
    /// Whether its noise was made white already, before the adjoint.
    pub(super) is_white: bool,
}

/// `None` if curve and blur explain the picture.
pub(super) fn left(laid: &Laid<'_>) -> Option<Operated> {
    let grey = laid.found.len() == 1 || is_grey(laid.found, laid.valid);
    let lumas;
    let (before, after) = if grey {
        lumas = [luma(laid.original), luma(laid.found)];
        (std::slice::from_ref(&lumas[0]), std::slice::from_ref(&lumas[1]))
    } else {
        (laid.original, laid.found)
    };
    // Of three colours green is the one that was stored most finely.
    let main = after.len() / 2;
    let operator = operator(&before[main.min(before.len() - 1)], &after[main], laid.valid)?;
    let least = if operator == Operator::Same { LEAST_OF_STEPS } else { LEAST };
    let channel = |(c, after): (usize, &Plane)| {
        let before = &before[c.min(before.len() - 1)];
        let beside = Beside::new(&operator.apply(before), after, laid.valid, least)?;
        Some(match operator {
            Operator::Same => beside.weighed(),
            _ => beside.white(|made| operator.adjoint(before, made)),
        })
    };
    let sum = |sum: Part, part: Part| Part {
        left: with(sum.left, &part.left, |a, b| a + b),
        weight: with(sum.weight, &part.weight, |a, b| a + b),
        slope: sum.slope,
    };
    let Part { left, weight, slope } = after.iter().enumerate().filter_map(channel).reduce(sum)?;
    let left = with(left, &weight, |left, weight| if weight > 0.0 { left / weight } else { 0.0 });
    let weight = with(weight, laid.valid, |weight, valid| weight * valid);
    Some(Operated { part: Part { left, weight, slope }, is_white: operator != Operator::Same })
}

fn operator(before: &Plane, after: &Plane, valid: &Plane) -> Option<Operator> {
    let one = std::slice::from_ref;
    let toned = Tone::fit_softened(one(before), one(after), valid).apply(one(before)).remove(0);
    let blur = Blur::fit(&toned, after, valid);
    let plain = if blur.is_plain { blur.apply(&toned) } else { toned };
    Operator::between(before, after, &plain, valid)
}

/// A channel beside what its values became on the average.
struct Beside {
    /// What is off.
    off: Plane,
    /// How much of a change came through at each place.
    slope: Plane,
    /// How much is off there as a rule.
    deviation: Plane,
}

impl Beside {
    fn new(made: &Plane, after: &Plane, valid: &Plane, least: f32) -> Option<Self> {
        let samples = made.samples().iter().zip(after.samples()).zip(valid.samples());
        let inside = samples.filter(|(_, valid)| **valid > 0.0).map(|((made, after), _)| (*made, *after));
        let (from, to): (Vec<f32>, Vec<f32>) = inside.unzip();
        let became = Became::fit(&from, &to)?;
        let empty = || Plane::filled(after.size(), 0.0);
        let [mut off, mut slope, mut variance] = [empty(), empty(), empty()];
        let planes = [&mut off, &mut slope, &mut variance].map(Plane::samples_mut);
        widest(Expect { became: &became, made, after, valid, planes });
        let more = more_than_expected(&off, &variance, least);
        let deviation = with(variance, &more, |variance, more| (variance * more).sqrt());
        let off = with(off, &deviation, |off, deviation| off.clamp(-MOST * deviation, MOST * deviation));
        Some(Self { off, slope, deviation })
    }

    /// As it is, for nodes that are made white later.
    fn weighed(self) -> Part {
        let share = with(self.slope, &self.deviation, |slope, deviation| slope / (deviation * deviation));
        let left = with(self.off, &share, |off, share| off * share);
        let weight = with(with(share.clone(), &share, |a, b| a * b), &self.deviation, |v, d| v * d * d);
        let slope = Plane::filled(left.size(), 1.0);
        Part { left, weight, slope }
    }

    /// In units of what is usual at each place, and made white there: the adjoint colours it again, as it colours a mark.
    fn white(self, adjoint: impl Fn(&Plane) -> Plane) -> Part {
        let white = whitened(&with(self.off, &self.deviation, |off, deviation| off / deviation));
        let share = with(self.slope, &self.deviation, |slope, deviation| slope / deviation);
        let left = adjoint(&with(white, &share, |white, share| white * share));
        let one = Plane::filled(left.size(), 1.0);
        Part { left, weight: one.clone(), slope: one }
    }
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

/// By what factor more is left around each place than its values leave elsewhere, at `least`: what was drawn over, and codecs.
fn more_than_expected(off: &Plane, variance: &Plane, least: f32) -> Plane {
    let mut more = box_mean(&off.clone().map(|v| v * v), AROUND);
    let expected = box_mean(variance, AROUND);
    more.samples_mut().iter_mut().zip(expected.samples()).for_each(|(m, e)| *m = (*m / e).max(least));
    gaussian(&more, 1.0)
}

fn with(mut one: Plane, other: &Plane, f: impl Fn(f32, f32) -> f32) -> Plane {
    one.samples_mut().iter_mut().zip(other.samples()).for_each(|(a, b)| *a = f(*a, *b));
    one
}

#[cfg(test)]
mod tests {
    use super::super::{Evidence, Original, Profile, WAYS};
    use super::*;
    use crate::embed::{Embedder, Picture, Strength};
    use crate::key::MarkKey;
    use crate::payload::{ContentId, Payload};
    use tiermark_signal::Size;
    use tiermark_signal::filter::bell;

    const SIZE: Size = Size { width: 640, height: 360 };

    /// Shaded shapes with soft edges.
    fn picture() -> Plane {
        let shapes = Plane::from_fn(SIZE, |x, y| {
            let shape = (x / 37 + 3 * (y / 29)) * 7919 % 11;
            50.0 + 14.0 * shape as f32 + 12.0 * libm::sinf(x as f32 * 0.03 + y as f32 * 0.017)
        });
        bell(&shapes, 0.8).map(f32::round)
    }

    fn key(byte: u8) -> MarkKey {
        MarkKey::new([byte; 32])
    }

    fn marked(plane: &Plane) -> Plane {
        let embedder = Embedder::new(&key(1), &key(2), Payload([3; 8]), Strength::STANDARD);
        let colours = std::slice::from_ref(plane);
        let picture = Picture { colours, alpha: None, premultiplied: false };
        embedder.embed_closed(&picture, &ContentId([9; 32]), &key(4)).remove(0).map(f32::round)
    }

    fn asked(found: Plane) -> Vec<Evidence> {
        let original = Original::new(&[picture()], None);
        original.evidence(&Laid {
            found: &[found.map(|v| v.round().clamp(0.0, 255.0))],
            original: original.base(),
            valid: &Plane::filled(SIZE, 1.0),
            place: &|place| place,
            steps: None,
        })
    }

    fn z(evidence: &Evidence, key: &MarkKey) -> f64 {
        evidence.cells.scores(key).best().1
    }

    #[test]
    fn lines_steps_and_thresholds_show_who_had_the_picture() {
        type Attack = fn(&Plane) -> Plane;
        let attacks: [(&str, Attack, f64); 4] = [
            ("dodge", |p| Operator::Dodge { sigma: 4.0 }.apply(p), 12.0),
            ("gradient", |p| Operator::Gradient { sigma: 0.0 }.apply(p).map(|v| 255.0 - v), 12.0),
            ("eight levels", |p| p.clone().map(|v| (v / 36.43).round() * 36.43), 12.0),
            ("threshold", |p| p.clone().map(|v| if v > 120.0 { 255.0 } else { 0.0 }), 5.0),
        ];
        for (name, attack, least) in attacks {
            let ways = asked(attack(&marked(&picture())));
            assert!(ways.len() == 2 && ways.len() <= WAYS, "{name}");
            let own = z(&ways[1], &key(4));
            assert!(own > least && own > z(&ways[0], &key(4)), "{name}: {own}, {}", z(&ways[0], &key(4)));
            // Its score is that of independent signs for whoever had no part.
            let others = (0..400_u32).map(|n| {
                let mut key = [7; 32];
                key[..4].copy_from_slice(&n.to_le_bytes());
                ways[1].cells.scores(&MarkKey::new(key)).z(Profile::Energy)
            });
            let (sum, square) = others.fold((0.0, 0.0), |(sum, square), z| (sum + z, square + z * z));
            // Five deviations of the mean and of the variance of 400.
            assert!(
                (sum / 400.0).abs() < 0.25 && (square / 400.0 - 1.0).abs() < 0.36,
                "{name}: {sum} {square}"
            );
        }
    }

    #[test]
    fn what_curve_and_blur_explain_is_not_asked_again() {
        assert_eq!(asked(marked(&picture()).map(|v| 0.8 * v + 20.0)).len(), 1);
        assert_eq!(asked(gaussian(&marked(&picture()), 3.0)).len(), 1);
    }
}

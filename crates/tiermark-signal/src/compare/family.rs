//! Which operator it was: a family is tried on the busiest parts of the picture, and the best one made better.

use super::became::Became;
use super::operator::{Operator, dodged};
use crate::filter::bell;
use crate::{Plane, Size};

/// Side of a part that is looked at, px, and its rim that lends blurs their surroundings.
const SIDE: usize = 240;
const RIM: usize = 40;
const PARTS: usize = 9;
/// Parts on which the whole family is tried.
const SCREENED: usize = 4;
/// Every fifth sample of a part, by a step prime to its side.
const STRIDE: usize = 5;
/// What is further off counts as far as this, code values: it was drawn over.
const FAR: f32 = 60.0;
/// What curve and blur leave less than this of is explained already, code values squared: a mark of 1.1 and two roundings
/// leave 1.4.
const EXPLAINED: f32 = 1.5;
/// How much less an operator has to leave: 8 levels of each colour of a painting leave 0.63 of what a curve does, JPEG 10 on a
/// cel 0.91. Where a codec comes below that, as on line art, one way more is asked in vain.
const NEARER: f32 = 0.9;
const DODGES: [f32; 9] = [1.0, 1.6, 2.5, 4.0, 6.0, 9.0, 13.0, 18.0, 25.0];
const FINE: [f32; 5] = [0.0, 0.6, 1.0, 1.6, 2.5];
const COARSE: [f32; 6] = [0.8, 1.3, 2.0, 3.2, 5.0, 8.0];
const SHARES: [f32; 3] = [1.0, 0.98, 0.94];
const SOFT: [f32; 4] = [0.0, 0.7, 1.4, 2.5];
/// Relative steps by which parameters are moved while that helps.
const STEPS: [f32; 4] = [0.2, 0.1, 0.05, 0.025];

pub(super) fn best(before: &Plane, after: &Plane, plain: &Plane, valid: &Plane) -> Option<Operator> {
    let parts = parts(after, valid);
    let sampled = Sampled::new(before, after, valid, &parts)?;
    let explained = sampled.misfit_of(&sampled.read(plain, &parts));
    if explained < EXPLAINED {
        return None;
    }
    // Which one it is, the busiest parts tell; how well it explains the picture, all of them.
    let same = sampled.misfit(&sampled.make(|part| Operator::Same.apply(part)));
    let (chosen, _) = sampled.busiest(SCREENED).chosen();
    let misfit = sampled.misfit(&sampled.make(|part| chosen.apply(part)));
    let first = if misfit < same { (chosen, misfit) } else { (Operator::Same, same) };
    let (operator, misfit) = sampled.refined(first);
    (misfit < NEARER * explained).then_some(operator)
}

/// Corners of the parts with the most edges, all of them inside of what is valid.
fn parts(after: &Plane, valid: &Plane) -> Vec<[usize; 2]> {
    let side = side(after.size());
    let count = |length: usize| (length / side).max(1);
    let (columns, rows) = (count(after.width()), count(after.height()));
    let at = |i: usize, n: usize, length: usize| (length - side) * i / (n - 1).max(1);
    let mut all: Vec<(f32, [usize; 2])> = (0..columns * rows)
        .map(|i| [at(i % columns, columns, after.width()), at(i / columns, rows, after.height())])
        .map(|corner| (edges(after, valid, corner, side), corner))
        .collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    all.into_iter().take(PARTS).map(|(_, corner)| corner).collect()
}

fn side(size: Size) -> usize {
    SIDE.min(size.short_side())
}

/// Sum of the differences along every fourth row.
fn edges(after: &Plane, valid: &Plane, [left, top]: [usize; 2], side: usize) -> f32 {
    let rows = (top..top + side).step_by(4);
    let row = |y: usize| {
        let (v, valid) = (&after.row(y)[left..left + side], &valid.row(y)[left..left + side]);
        v.windows(2).zip(valid.windows(2)).map(|(v, ok)| ok[0] * ok[1] * (v[1] - v[0]).abs()).sum::<f32>()
    };
    rows.map(row).sum()
}

/// Parts of both pictures, and the places in them that are compared.
struct Sampled {
    before: Vec<Plane>,
    /// Places within a part, part by part.
    places: Vec<Vec<usize>>,
    after: Vec<f32>,
}

impl Sampled {
    fn new(before: &Plane, after: &Plane, valid: &Plane, parts: &[[usize; 2]]) -> Option<Self> {
        let side = side(before.size());
        let rim = RIM.min(side / 6);
        let cut = |plane: &Plane, [left, top]: [usize; 2]| {
            Plane::from_fn(Size { width: side, height: side }, |x, y| plane.at(left + x, top + y))
        };
        let inner = rim..side - rim;
        let places = |part: &[usize; 2]| -> Vec<usize> {
            let valid = cut(valid, *part);
            let all = (0..side * side).step_by(STRIDE);
            all.filter(|i| {
                inner.contains(&(i % side)) && inner.contains(&(i / side)) && valid.samples()[*i] > 0.0
            })
            .collect()
        };
        let mut sampled = Self {
            before: parts.iter().map(|part| cut(before, *part)).collect(),
            places: parts.iter().map(places).collect(),
            after: Vec::new(),
        };
        sampled.after = sampled.read(after, parts);
        (sampled.after.len() >= 2000).then_some(sampled)
    }

    /// The first parts alone.
    fn busiest(&self, parts: usize) -> Self {
        let parts = parts.min(self.before.len());
        let places = self.places[..parts].to_vec();
        let samples: usize = places.iter().map(Vec::len).sum();
        Self { before: self.before[..parts].to_vec(), places, after: self.after[..samples].to_vec() }
    }

    /// The samples of a whole plane.
    fn read(&self, plane: &Plane, parts: &[[usize; 2]]) -> Vec<f32> {
        let side = side(plane.size());
        let read = |(part, places): (&[usize; 2], &Vec<usize>)| -> Vec<f32> {
            places.iter().map(|i| plane.at(part[0] + i % side, part[1] + i / side)).collect()
        };
        parts.iter().zip(&self.places).flat_map(read).collect()
    }

    /// The samples of what is made of each part.
    fn make(&self, make: impl Fn(&Plane) -> Plane) -> Vec<f32> {
        let sample = |(part, places): (&Plane, &Vec<usize>)| -> Vec<f32> {
            let made = make(part);
            places.iter().map(|i| made.samples()[*i]).collect()
        };
        self.before.iter().zip(&self.places).flat_map(sample).collect()
    }

    fn misfit_of(&self, made: &[f32]) -> f32 {
        let square = |(a, b): (&f32, &f32)| f64::from(((a - b) * (a - b)).min(FAR * FAR));
        (made.iter().zip(&self.after).map(square).sum::<f64>() / made.len().max(1) as f64) as f32
    }

    /// The same after the curve that fits best.
    fn misfit(&self, made: &[f32]) -> f32 {
        Became::fit(made, &self.after).map_or(f32::MAX, |became| became.misfit(made, &self.after, FAR))
    }

    /// The best of the family.
    fn chosen(&self) -> (Operator, f32) {
        let blurred = |sigma: f32| self.make(|part| bell(part, sigma));
        let own = blurred(0.0);
        let mut best = (Operator::Same, self.misfit(&own));
        let mut offer = |operator: Operator, made: &[f32]| {
            let misfit = self.misfit(made);
            if misfit < best.1 {
                best = (operator, misfit);
            }
        };
        let pairs = |a: &[f32], b: &[f32], f: &dyn Fn(f32, f32) -> f32| -> Vec<f32> {
            a.iter().zip(b).map(|(a, b)| f(*a, *b)).collect()
        };
        for sigma in DODGES {
            offer(Operator::Dodge { sigma }, &pairs(&own, &blurred(sigma), &dodged));
        }
        let fines = FINE.map(blurred);
        for coarse in COARSE {
            let coarser = blurred(coarse);
            for (fine, finer) in FINE.into_iter().zip(&fines).filter(|(fine, _)| 1.2 * fine < coarse) {
                for share in SHARES {
                    let made = pairs(finer, &coarser, &|a, b| a - share * b);
                    offer(Operator::Difference { fine, coarse, share }, &made);
                }
            }
        }
        for sigma in SOFT {
            for operator in [Operator::Gradient { sigma }, Operator::Laplacian { sigma }] {
                offer(operator, &self.make(|part| operator.apply(part)));
            }
        }
        best
    }

    /// The parameters moved by smaller and smaller steps while that brings it nearer.
    fn refined(&self, (mut operator, mut misfit): (Operator, f32)) -> (Operator, f32) {
        for step in STEPS {
            for knob in 0..3 {
                for way in [1.0 + step, 1.0 / (1.0 + step)] {
                    while let Some(moved) = turned(operator, knob, way) {
                        let apart = self.misfit(&self.make(|part| moved.apply(part)));
                        if apart >= misfit {
                            break;
                        }
                        (operator, misfit) = (moved, apart);
                    }
                }
            }
        }
        (operator, misfit)
    }
}

/// The operator with one of its parameters changed by a factor; `None` where it has no such parameter or leaves its range.
fn turned(operator: Operator, knob: usize, factor: f32) -> Option<Operator> {
    const WIDEST: f32 = 40.0;
    let wide = |sigma: f32| (0.3..WIDEST).contains(&(sigma * factor)).then_some(sigma * factor);
    Some(match (operator, knob) {
        (Operator::Dodge { sigma }, 0) => Operator::Dodge { sigma: wide(sigma)? },
        (Operator::Gradient { sigma }, 0) => Operator::Gradient { sigma: wide(sigma)? },
        (Operator::Laplacian { sigma }, 0) => Operator::Laplacian { sigma: wide(sigma)? },
        (Operator::Difference { fine, coarse, share }, 0) => {
            let fine = wide(fine)?;
            (fine < coarse).then_some(Operator::Difference { fine, coarse, share })?
        }
        (Operator::Difference { fine, coarse, share }, 1) => {
            let coarse = wide(coarse)?;
            (fine < coarse).then_some(Operator::Difference { fine, coarse, share })?
        }
        (Operator::Difference { fine, coarse, share }, 2) => {
            // By a tenth of what the widths move.
            let share = share * (1.0 + 0.1 * (factor - 1.0));
            (0.5..1.2).contains(&share).then_some(Operator::Difference { fine, coarse, share })?
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 500, height: 300 };

    /// Flat shapes with soft edges and a little shading.
    fn picture() -> Plane {
        let shapes = Plane::from_fn(SIZE, |x, y| {
            let tile = (x / 23 + 3 * (y / 31)) * 7919 % 13;
            60.0 + 12.0 * tile as f32 + 8.0 * libm::sinf(x as f32 * 0.05 + y as f32 * 0.02)
        });
        bell(&shapes, 0.6)
    }

    fn found(made: &Plane) -> Option<Operator> {
        let mean = made.samples().iter().sum::<f32>() / SIZE.area() as f32;
        let (valid, plain) = (Plane::filled(SIZE, 1.0), Plane::filled(SIZE, mean));
        best(&picture(), made, &plain, &valid)
    }

    #[test]
    fn lines_are_told_with_their_widths() {
        let near = |a: f32, b: f32| (a / b - 1.0).abs() < 0.15;
        let dodge = Operator::Dodge { sigma: 7.0 }.apply(&picture()).map(|v| v.round().clamp(0.0, 255.0));
        let is = found(&dodge);
        assert!(matches!(is, Some(Operator::Dodge { sigma }) if near(sigma, 7.0)), "{is:?}");
        let lines = Operator::Difference { fine: 1.0, coarse: 1.6, share: 1.0 }.apply(&picture());
        let lines = lines.map(|v| (128.0 + 6.0 * v).round().clamp(0.0, 255.0));
        let is = found(&lines);
        assert!(matches!(is, Some(Operator::Difference { .. })), "{is:?}");
        let slopes = Operator::Gradient { sigma: 0.0 }.apply(&picture());
        let is = found(&slopes.map(|v| 255.0 - v.round().clamp(0.0, 255.0)));
        assert!(matches!(is, Some(Operator::Gradient { .. })), "{is:?}");
    }

    #[test]
    fn steps_are_no_lines_and_what_is_explained_needs_none() {
        let steps = picture().map(|v| (v / 36.4).round() * 36.4);
        assert_eq!(found(&steps), Some(Operator::Same));
        let (same, valid) = (picture(), Plane::filled(SIZE, 1.0));
        assert_eq!(best(&same, &same.clone().map(f32::round), &same, &valid), None);
        let other = Plane::from_fn(SIZE, |x, y| ((x * 7919 + y * 104_729 + x * y * 31) % 251) as f32);
        assert_eq!(found(&other), None);
    }
}

//! All ways to an alignment, in order, and what is believed.

use super::agree::Says;
use super::lens;
use super::level::Level;
use super::pose::{Lens, Pose};
use super::refine::{LensTerm, Refined, factors, refine};
use super::robust::{self, Match, Model};
use super::{Alignment, Feature, Gate, Prepared, agree, bend, features, trivial};
use crate::{Homography, Plane, Size};

/// Where `found` shows `original`: best first, several for several panels, empty if it does not.
///
/// A wrong answer costs a mark that is not read, and never a name: what is read from it is no more than chance.
/// Pictures below 24 px, longer than 30 720 px or 40 times longer than wide are not looked at.
pub fn register(original: &Prepared, found: &Prepared) -> Vec<Alignment> {
    if ![original, found].iter().all(|p| is_picture(p.size())) {
        return Vec::new();
    }
    let search = Search { original, found };
    let frame = search.by_frame();
    if let Some(clear) = frame.as_ref().filter(|r| search.is_clear(r)) {
        return vec![search.finished(clear)];
    }
    let mut panels = search.by_features();
    if panels.is_empty() {
        panels.extend(frame.filter(|r| search.is_significant(r)));
    }
    let mut alignments: Vec<Alignment> = Vec::new();
    for panel in &panels {
        let next = search.finished(panel);
        if alignments.iter().all(|a| search.differ(a, &next)) {
            alignments.push(next);
        }
    }
    alignments
}

fn is_picture(size: Size) -> bool {
    size.short_side() >= 24 && size.long_side() <= 30_720 && size.long_side() <= 40 * size.short_side()
}

struct Search<'a, 'b> {
    original: &'a Prepared<'b>,
    found: &'a Prepared<'b>,
}

impl Search<'_, '_> {
    /// Found px of one px of the grid on which its features were looked for.
    fn unit(&self) -> f64 {
        (self.found.size().long_side() as f64 / features::LONG_SIDE as f64).max(1.0)
    }

    /// The best of the guesses that need no features.
    fn by_frame(&self) -> Option<Refined> {
        let all = factors(self.found);
        let mut best: Option<Refined> = None;
        for map in trivial::guesses(self.original, self.found) {
            let Some(pose) = Pose::of(&map, self.found.size()) else { continue };
            let refined = refine(self.original, self.found, &pose, &all, LensTerm::Held);
            let Some(refined) = refined.filter(|r| r.moved < FAR * self.unit()) else { continue };
            if best.as_ref().is_none_or(|b| refined.count.alike > b.count.alike) {
                best = Some(refined);
            }
            if best.as_ref().is_some_and(|b| self.is_clear(b)) {
                break;
            }
        }
        best
    }

    /// The panels that features find, most blocks first; as it is, mirrored, and the negatives of both.
    fn by_features(&self) -> Vec<Refined> {
        let width = self.found.size().width;
        let mirror = Homography { rows: [[-1.0, 0.0, width as f64 - 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]] };
        for (mirrored, negative) in [(false, false), (true, false), (false, true), (true, true)] {
            let seen = |f: &Feature| {
                let f = if mirrored { f.mirrored(width) } else { f.clone() };
                if negative { f.inverted() } else { f }
            };
            let found: Vec<Feature> = self.found.features().iter().map(seen).collect();
            let matches = robust::matches(self.original.features(), &found);
            let models = robust::models(&matches, self.original.size(), 3.0 * self.unit());
            let back = |r: Refined| r;
            let after = if mirrored { Some(mirror) } else { None };
            let mut panels: Vec<Refined> =
                models.iter().filter_map(|m| self.panel(&matches, m, after)).map(back).collect();
            if !panels.is_empty() {
                panels.sort_by_key(|r| std::cmp::Reverse(r.count.alike));
                return panels;
            }
        }
        Vec::new()
    }

    /// One model, refined, if it is believed.
    fn panel(&self, matches: &[Match], model: &Model, after: Option<Homography>) -> Option<Refined> {
        let size = self.found.size();
        let pose = |map: &Homography, lens: Lens| {
            let map = after.map_or(*map, |after| map.then(&after));
            Some(Pose { lens, ..Pose::of(&map, size)? })
        };
        let chosen: Vec<Match> = matches.to_vec();
        let (start, term) = match lens::fitted(&chosen, &model.map, self.original.size(), size, self.unit()) {
            // A lens is about the middle: a mirror leaves it as it is.
            Some((lens, map)) => (pose(&map, lens)?, LensTerm::Free),
            None => (pose(&model.map, Lens::none(size))?, LensTerm::Held),
        };
        let refined = refine(self.original, self.found, &start, &factors(self.found), term)?;
        (refined.moved < FAR * self.unit() && self.is_clear(&refined)).then_some(refined)
    }

    /// A quarter of the textured blocks agree, and many more than elsewhere.
    fn is_clear(&self, r: &Refined) -> bool {
        r.count.alike >= 6
            && r.count.share() >= SHARE
            && r.count.share() > 1.5 * r.chance.share() + 0.05
            && self.is_sane(r)
    }

    /// Few blocks agree, but far more than chance gives elsewhere: for frames that are mostly painted over.
    fn is_significant(&self, r: &Refined) -> bool {
        let expected = r.chance.share() * r.count.textured as f64;
        r.count.alike >= 12
            && r.count.alike as f64 > 2.0 * expected + 4.0 * expected.sqrt() + 4.0
            && self.is_sane(r)
    }

    fn is_sane(&self, r: &Refined) -> bool {
        r.pose.back.inverse().is_some_and(|map| robust::is_sane(&map, self.original.size()))
    }

    /// A lens and a field, if displacements are left; then everything that is told about it.
    fn finished(&self, refined: &Refined) -> Alignment {
        let (size, unit) = (self.found.size(), self.unit());
        let mut pose = refined.pose.clone();
        let mut tone = refined.tone;
        let mut left = bend::left(&refined.level, &pose, &tone);
        if left.shared > BENT * unit {
            let fine: Vec<usize> = factors(self.found).into_iter().skip(1).collect();
            let again = refine(self.original, self.found, &pose, &fine, LensTerm::Free);
            if let Some(again) = again {
                let now = bend::left(&again.level, &again.pose, &again.tone);
                if now.shared < 0.8 * left.shared {
                    (pose, tone, left) = (again.pose, again.tone, now);
                }
            }
        }
        if left.shared > BENT * unit {
            let bent = self.bent(&pose, &tone);
            if let Some(level) = Level::new(self.original, self.found, refined.level.factor, &bent) {
                let now = bend::left(&level, &bent, &tone);
                if now.shared < 0.8 * left.shared {
                    (pose, left) = (bent, now);
                }
            }
        }
        let _ = size;
        self.told(refined, &pose, &tone, left)
    }

    /// The field, by three rounds at half size and two at full.
    fn bent(&self, pose: &Pose, tone: &super::refine::Tone) -> Pose {
        let finest = factors(self.found).last().copied().unwrap_or(1);
        let mut pose = pose.clone();
        for (factor, rounds) in [(2 * finest, 3), (finest, 2)] {
            let Some(level) = Level::new(self.original, self.found, factor, &pose) else { continue };
            for _ in 0..rounds {
                pose = bend::followed(&level, &pose, tone, self.found.size(), 16 * finest);
            }
        }
        pose
    }

    fn told(
        &self,
        refined: &Refined,
        pose: &Pose,
        tone: &super::refine::Tone,
        left: bend::Left,
    ) -> Alignment {
        let level = &refined.level;
        let warped = level.warped(pose);
        let blocks = agree::Blocks::compare(&level.found, &warped, [0, 0]);
        let sign = blocks.sign();
        let side = agree::BLOCK;
        let agrees = |x: usize, y: usize| match blocks.says[y * blocks.size.width + x] {
            Says::Outside => false,
            Says::Textured(_) => blocks.alike_at(x * side, y * side, sign),
            Says::Flat => flat_agrees(&level.found, &warped, [x * side, y * side], tone),
        };
        let gate = Plane::from_fn(blocks.size, |x, y| f32::from(u8::from(agrees(x, y))));
        let outside = blocks.says.iter().filter(|s| **s == Says::Outside).count();
        let map = pose.back.inverse().unwrap_or(Homography::IDENTITY);
        Alignment {
            lens: (pose.lens.k != 0.0).then_some(pose.lens),
            bend: pose.bend.clone(),
            rms: (left.shared * left.shared + left.noise * left.noise).sqrt(),
            inside: 1.0 - outside as f64 / blocks.says.len() as f64,
            alike: blocks.count().share(),
            by_chance: refined.chance.share(),
            gate: Some(Gate { side: side * level.factor, blocks: gate }),
            map,
            back: pose.back,
        }
    }

    /// Whether two alignments put the original at different places.
    fn differ(&self, a: &Alignment, b: &Alignment) -> bool {
        let size = self.original.size();
        let at = |i: usize, n: usize| i as f64 / 4.0 * n as f64;
        let places = (0..25).map(|i| [at(i % 5, size.width), at(i / 5, size.height)]);
        let apart = |p: [f64; 2]| {
            let ([ax, ay], [bx, by]) = (a.map.apply(p), b.map.apply(p));
            (ax - bx).abs().max((ay - by).abs())
        };
        places.map(apart).sum::<f64>() / 25.0 > 8.0 * self.unit()
    }
}

/// Whether a flat block has the colour that it should have, on average.
fn flat_agrees(found: &Plane, warped: &Plane, [left, top]: [usize; 2], tone: &super::refine::Tone) -> bool {
    let (mut rest, mut count) = (0.0, 0.0);
    for y in top..(top + agree::BLOCK).min(found.height()) {
        for x in left..(left + agree::BLOCK).min(found.width()) {
            let o = warped.at(x, y);
            if !o.is_nan() {
                rest += (f64::from(found.at(x, y)) - tone.at(f64::from(o))).abs();
                count += 1.0;
            }
        }
    }
    rest < FLAT * count
}

/// How far refinement may go from its start, px of the grid of features: beyond it started wrong.
const FAR: f64 = 6.0;
/// Share of textured blocks that must agree.
const SHARE: f64 = 0.25;
/// Displacement that neighbouring windows share and that asks for a lens or a field, px of the grid of features.
const BENT: f64 = 0.12;
/// Mean difference at which a flat block is something else, code values.
const FLAT: f64 = 12.0;

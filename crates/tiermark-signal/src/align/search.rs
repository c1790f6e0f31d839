//! All ways to an alignment, in order, and what is believed.

use super::agree::{Blocks, Grain, Says};
use super::lens;
use super::level::Level;
use super::pose::{Lens, Pose};
use super::refine::{LensTerm, Refined, Tone, factors, refine};
use super::robust::{self, Match, Model};
use super::{Alignment, Feature, Gate, Prepared, bend, cutting, features, plain, trivial};
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
    let frame = search.by_frame(Grain::COARSE);
    let mut panels = match &frame {
        Some(frame) if !search.is_distorted(frame) => Vec::new(),
        _ => search.by_features(),
    };
    // A distorted frame is replaced by what explains it better, which a lens does.
    if frame.as_ref().is_some_and(|f| panels.first().is_none_or(|p| worth(p) < 1.02 * worth(f))) {
        panels.clear();
    }
    if panels.is_empty() {
        let surer = [Grain::FINE, Grain::SHARP];
        let frame = frame.or_else(|| surer.into_iter().find_map(|grain| search.by_frame(grain)));
        panels.extend(frame.or_else(|| search.by_soft_frame()).or_else(|| search.by_cutting()));
    }
    let mut alignments: Vec<Alignment> = Vec::new();
    for panel in &panels {
        let next = search.finished(panel);
        if !alignments.iter().any(|better| shows_the_same(better, &next)) {
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

    fn refined(&self, start: &Pose, factors: &[usize], term: LensTerm, grain: Grain) -> Option<Refined> {
        refine(self.original, self.found, start, factors, FAR * self.unit(), term, grain)
    }

    /// The first believed of the guesses that need no features.
    fn by_frame(&self, grain: Grain) -> Option<Refined> {
        let all = factors(self.found);
        // What paint leaves is too little to find a way from afar.
        let levels = if grain == Grain::COARSE { &all[..] } else { &all[all.len() - 1..] };
        let refined = |map: Homography| {
            let pose = Pose::of(&map, self.found.size())?;
            let refined = self.refined(&pose, levels, LensTerm::Held, grain)?;
            let believed = if grain == Grain::COARSE {
                is_clear(&refined) || is_nearly_all(&refined)
            } else {
                is_significant(&refined)
            };
            (believed && self.is_sane(&refined)).then(|| self.exact_if_as_good(refined, &pose))
        };
        let mut all = trivial::guesses(self.original, self.found, grain).into_iter().filter_map(refined);
        if grain == Grain::COARSE { all.next() } else { all.max_by_key(|r| r.count.alike) }
    }

    /// The first guess that is believed from afar: the grain of paper does not outlast a blur, what is drawn on it does.
    fn by_soft_frame(&self) -> Option<Refined> {
        let coarsest = *factors(self.found).first()?;
        let laid = |map: Homography| {
            let pose = Pose::of(&map, self.found.size())?;
            let refined = self.refined(&pose, &[coarsest], LensTerm::Held, Grain::COARSE)?;
            let exact = Level::new(self.original, self.found, coarsest, &pose)?;
            let count = Blocks::compare(&exact.found, &exact.warped(&pose), [0, 0], Grain::COARSE).count();
            let believed = is_clear(&refined) && 50 * count.alike >= 48 * refined.count.alike;
            believed.then(|| refined.moved_to(pose, exact, count))
        };
        trivial::guesses(self.original, self.found, Grain::COARSE).into_iter().find_map(laid)
    }

    /// The first believed of the places at which it may have been cut out.
    fn by_cutting(&self) -> Option<Refined> {
        let refined = |map: Homography| {
            let pose = Pose::of(&map, self.found.size())?;
            let refined = self.refined(&pose, &factors(self.found), LensTerm::Held, Grain::COARSE)?;
            // All of a cutting lies in the original.
            (refined.inside >= WHOLLY && is_clear(&refined) && self.is_sane(&refined)).then_some(refined)
        };
        cutting::places(self.original, self.found).into_iter().find_map(refined)
    }

    /// The guess itself where the pictures differ in more than their tones, as after an extraction of lines: there the
    /// samples disagree about fractions of a pixel, as they do between strokes, while frames that are handed on whole are stretched exactly.
    fn exact_if_as_good(&self, refined: Refined, guess: &Pose) -> Refined {
        let Some(level) = Level::new(self.original, self.found, refined.level.factor, guess) else {
            return refined;
        };
        let blocks = Blocks::compare(&level.found, &level.warped(guess), [0, 0], refined.grain);
        let as_good = 50 * blocks.count().alike >= 48 * refined.count.alike;
        let unsure = refined.likeness < REDRAWN || refined.grain != Grain::COARSE || !is_clear(&refined);
        if unsure && as_good {
            return refined.moved_to(guess.clone(), level, blocks.count());
        }
        refined
    }

    /// The panels that features find, most blocks first: as it is and mirrored; if there are none, the negatives of both.
    ///
    /// Both orientations are asked, for originals have mirrored halves and figures in two poses, which agree as well.
    fn by_features(&self) -> Vec<Refined> {
        for negative in [false, true] {
            let mut panels = self.panels(false, negative);
            if !panels.iter().any(fills) {
                panels.extend(self.panels(true, negative));
            }
            panels.sort_by_key(|r| std::cmp::Reverse(r.count.alike));
            panels.truncate(PANELS);
            if !panels.is_empty() {
                return panels;
            }
        }
        Vec::new()
    }

    fn panels(&self, mirrored: bool, negative: bool) -> Vec<Refined> {
        let width = self.found.size().width;
        let seen = |f: &Feature| {
            let f = if mirrored { f.mirrored(width) } else { f.clone() };
            if negative { f.inverted() } else { f }
        };
        let found: Vec<Feature> = self.found.features().iter().map(seen).collect();
        let matches = robust::matches(self.original.features(), &found);
        let models = robust::models(&matches, self.original.size(), 3.0 * self.unit());
        models.iter().filter_map(|m| self.panel(&matches, m, mirrored)).collect()
    }

    /// One model, refined, if it is believed and most of its matches still stand.
    fn panel(&self, matches: &[Match], model: &Model, mirrored: bool) -> Option<Refined> {
        let size = self.found.size();
        let mirror = [[-1.0, 0.0, size.width as f64 - 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        let pose = |map: &Homography, lens: Lens| {
            let map = if mirrored { map.then(&Homography { rows: mirror }) } else { *map };
            Some(Pose { lens, ..Pose::of(&map, size)? })
        };
        let (start, term) = match lens::fitted(matches, &model.map, self.original.size(), size, self.unit()) {
            // A lens is about the middle: a mirror leaves it as it is.
            Some((lens, map)) => (pose(&map, lens)?, LensTerm::Free),
            None => (pose(&model.map, Lens::none(size))?, LensTerm::Held),
        };
        let refined = self.refined(&start, &factors(self.found), term, Grain::COARSE)?;
        let stands = |&&i: &&usize| {
            let [x, y] = matches[i].found;
            let x = if mirrored { size.width as f64 - 1.0 - x } else { x };
            let [u, v] = refined.pose.original_at([x, y]);
            let [[a, b], [c, d]] = refined.pose.back.jacobian([x, y]);
            let (dx, dy) = (u - matches[i].original[0], v - matches[i].original[1]);
            let near = 4.0 * self.unit();
            dx * dx + dy * dy < near * near * (a * d - b * c).abs()
        };
        let standing = model.inliers.iter().filter(stands).count();
        (2 * standing >= model.inliers.len() && is_clear(&refined) && self.is_sane(&refined))
            .then_some(refined)
    }

    fn is_sane(&self, r: &Refined) -> bool {
        r.pose.back.inverse().is_some_and(|map| robust::is_sane(&map, self.original.size()))
    }

    /// Whether displacements are left that a homography does not explain.
    fn is_distorted(&self, r: &Refined) -> bool {
        let left = r.left();
        left.shared.max(left.noise) > BENT * self.unit()
    }

    /// A lens and a field, if displacements are left; then everything that is told about it.
    fn finished(&self, refined: &Refined) -> Alignment {
        // What was only seen from afar tells nothing of displacements.
        if factors(self.found).last().is_some_and(|finest| refined.level.factor > *finest) {
            return self.told(refined, &refined.pose, refined.left());
        }
        // Each round lets in blocks nearer to the corners, which tell more about the lens.
        let first = self.with_lens(refined);
        let second = first.as_ref().and_then(|r| self.with_lens(r));
        let refined = second.as_ref().or(first.as_ref()).unwrap_or(refined);
        let mut pose = refined.pose.clone();
        let mut rest = refined.left();
        // Behind paint, and where lines were redrawn, displacements are no bend.
        let whole = refined.count.share() >= PHOTO && refined.likeness >= REDRAWN;
        if whole && rest.shared > BENT * self.unit() && rest.shared > rest.noise {
            let bent = self.with_bend(refined);
            let now =
                bent.as_ref().map(|(level, pose)| bend::left(level, pose, &refined.tone, refined.grain));
            if let (Some((_, bent)), Some(now)) = (bent, now)
                && now.shared < 0.8 * rest.shared
            {
                (pose, rest) = (bent, now);
            }
        }
        self.told(refined, &pose, rest)
    }

    /// The same with a lens, if that explains clearly more.
    fn with_lens(&self, before: &Refined) -> Option<Refined> {
        if before.count.share() < PHOTO || !self.is_distorted(before) {
            return None;
        }
        // Without its lens a pose is right in a part only: the corners have far to go.
        let (all, far) = (factors(self.found), 10.0 * FAR * self.unit());
        let after = refine(self.original, self.found, &before.pose, &all, far, LensTerm::Free, before.grain)?;
        let calmer = before.likeness >= REDRAWN && after.left().shared < 0.8 * before.left().shared;
        ((calmer || worth(&after) > 1.01 * worth(before)) && self.is_sane(&after)).then_some(after)
    }

    /// The field, by three rounds at half size and two at full, and the finest level.
    fn with_bend(&self, before: &Refined) -> Option<(Level, Pose)> {
        let finest = before.level.factor;
        let mut pose = before.pose.clone();
        let level = |factor, pose: &Pose| Level::new(self.original, self.found, factor, pose);
        for (factor, rounds) in [(2 * finest, 3), (finest, 2)] {
            let level = level(factor, &pose)?;
            for _ in 0..rounds {
                pose = bend::followed(&level, &pose, &before.tone, self.found.size(), 16 * finest);
            }
        }
        Some((level(finest, &pose)?, pose))
    }

    fn told(&self, refined: &Refined, pose: &Pose, left: bend::Left) -> Alignment {
        let (level, tone) = (&refined.level, &refined.tone);
        let warped = level.warped(pose);
        let blocks = Blocks::compare(&level.found, &warped, [0, 0], refined.grain);
        let sign = blocks.sign();
        let side = refined.grain.block();
        let agrees = |x: usize, y: usize| match blocks.says[y * blocks.size.width + x] {
            Says::Outside => false,
            Says::Textured(_) => blocks.alike_at(x * side, y * side, sign),
            Says::Flat => flat_agrees(&level.found, &warped, [x * side, y * side], side, tone),
        };
        let gate = Plane::from_fn(blocks.size, |x, y| f32::from(u8::from(agrees(x, y))));
        let rms = (left.shared * left.shared + left.noise * left.noise).sqrt();
        let (mut map, mut back) = (pose.back.inverse().unwrap_or(Homography::IDENTITY), pose.back);
        let mut lens = (!pose.lens.is_none()).then_some(pose.lens);
        let simple = plain::simplest(pose, self.original.size(), self.found.size());
        if let Some((simple, way_back)) = simple.and_then(|map| Some((map, map.inverse()?))) {
            (map, back, lens) = (simple, way_back, None);
        }
        Alignment {
            lens,
            bend: pose.bend.clone(),
            rms,
            inside: blocks.inside(),
            alike: blocks.count().share(),
            by_chance: refined.chance.share(),
            gate: Some(Gate { side: side * level.factor, blocks: gate }),
            map,
            back,
        }
    }
}

/// How much agrees, and how well.
fn worth(r: &Refined) -> f64 {
    r.count.alike as f64 * r.likeness
}

/// Whether most of what agrees under `other` agrees under `better` too: the same panel again, or a part that looks like
/// another one.
fn shows_the_same(better: &Alignment, other: &Alignment) -> bool {
    let (Some(a), Some(b)) = (&better.gate, &other.gate) else { return false };
    let pairs = a.blocks.samples().iter().zip(b.blocks.samples());
    let (both, all) = pairs.fold((0.0, 0.0), |(both, all), (a, b)| (both + a * b, all + b));
    both >= 0.5 * all
}

/// A panel that is all of the found picture, or nearly.
fn fills(r: &Refined) -> bool {
    r.count.alike >= PLENTY && r.count.share() >= PHOTO && r.inside >= 0.8
}

/// A quarter of the textured blocks agree, and many more than elsewhere.
fn is_clear(r: &Refined) -> bool {
    r.count.alike >= 8 && r.count.share() >= SHARE && r.count.share() > 1.5 * r.chance.share() + 0.05
}

/// All but a few blocks agree; elsewhere many more do not, though smooth slopes agree in most places.
fn is_nearly_all(r: &Refined) -> bool {
    r.count.alike >= PLENTY && 1.0 - r.count.share() < 0.25 * (1.0 - r.chance.share()) - 0.02
}

/// Few blocks agree, but far more than chance gives elsewhere: for frames that are mostly painted over.
fn is_significant(r: &Refined) -> bool {
    let expected = r.chance.share() * r.count.textured as f64;
    r.count.alike as f64 > 1.6 * expected + 4.0 * expected.sqrt() + 16.0
}

/// Whether a flat block has the colour that it should have, on average.
fn flat_agrees(found: &Plane, warped: &Plane, [left, top]: [usize; 2], side: usize, tone: &Tone) -> bool {
    let (mut rest, mut count) = (0.0, 0.0);
    for y in top..(top + side).min(found.height()) {
        for x in left..(left + side).min(found.width()) {
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
/// Share of a cutting in which the original must be.
const WHOLLY: f64 = 0.9;
/// Panels of one original in one found picture.
const PANELS: usize = 6;
/// Blocks that agree by no accident: the other orientations need no look.
const PLENTY: usize = 150;
/// Share of blocks that agree in a photograph of a picture.
const PHOTO: f64 = 0.6;
/// Mean correlation of blocks that are alike below which the tones alone do not explain the difference.
const REDRAWN: f64 = 0.93;
/// Displacement that neighbouring windows share and that asks for a lens or a field, px of the grid of features.
const BENT: f64 = 0.06;
/// Mean difference at which a flat block is something else, code values.
const FLAT: f64 = 12.0;

#[cfg(test)]
mod tests {
    use super::super::sample::blobs;
    use super::*;
    use crate::align::warp;

    const LARGE: Size = Size { width: 960, height: 540 };

    /// What `map` shows of `original` on a grid of `size`, darkened, with noise.
    fn shown(original: &Plane, map: Homography, size: Size) -> Plane {
        let mut state = 1_u32;
        let mut plane = warp(original, &Alignment::exact(map), size);
        for v in plane.samples_mut() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *v = *v * (0.4 + 0.6 * *v / 255.0) + (state >> 24) as f32 / 64.0;
        }
        plane
    }

    /// Largest error over the found grid where the original is, found px.
    fn error(alignment: &Alignment, map: &Homography, size: Size) -> f64 {
        let at = |i: usize, n: usize| (i as f64 + 0.5) / 12.0 * n as f64;
        let places = (0..144).map(|i| [at(i % 12, size.width), at(i / 12, size.height)]);
        let back = map.inverse().expect("it is no shadow");
        let inside = places.filter(|p| {
            let [x, y] = back.apply(*p);
            (0.0..959.0).contains(&x) && (0.0..539.0).contains(&y)
        });
        inside.fold(0.0, |most, p| {
            let [x, y] = map.apply(alignment.original_at(p));
            f64::max(most, (x - p[0]).abs().max((y - p[1]).abs()))
        })
    }

    #[test]
    fn frames_crops_mirrors_and_perspective_are_found_and_others_are_not() {
        let (picture, other) = (blobs(LARGE, 900, 1), blobs(LARGE, 900, 2));
        let (original, stranger) = (Prepared::new(&picture), Prepared::new(&other));
        let size = Size { width: 480, height: 300 };
        for (what, rows) in [
            ("frame", [[0.5, 0.0, -0.25], [0.0, 300.0 / 540.0, -0.222_222_222_222], [0.0, 0.0, 1.0]]),
            ("crop", [[0.9, 0.0, -210.3], [0.0, 0.9, -121.7], [0.0, 0.0, 1.0]]),
            ("turned", [[0.6, -0.1, -20.0], [0.1, 0.6, -40.0], [0.0, 0.0, 1.0]]),
            ("mirrored", [[-0.8, 0.0, 600.0], [0.0, 0.8, -50.0], [0.0, 0.0, 1.0]]),
            ("perspective", [[0.5, 0.02, 10.0], [-0.01, 0.52, 8.0], [1e-4, 5e-5, 1.0]]),
        ] {
            let map = Homography { rows };
            let found = Prepared::from(shown(&picture, map, size));
            let all = register(&original, &found);
            let first = all.first().unwrap_or_else(|| unreachable!("{what} is not found"));
            let error = error(first, &map, size);
            assert!(error < 0.05, "{what}: {error} px");
            assert!(first.rms < 0.1 && first.alike > 0.9, "{what}: {} {}", first.rms, first.alike);
            assert!(register(&stranger, &found).is_empty(), "{what} of another");
        }
    }

    #[test]
    fn paint_is_left_out_and_shows_in_the_gate() {
        let picture = blobs(LARGE, 900, 1);
        let map = Homography::stretch(LARGE, Size { width: 720, height: 405 });
        let mut found = shown(&picture, map, Size { width: 720, height: 405 });
        for y in 0..405 {
            found.row_mut(y)[250..].fill(90.0);
        }
        let all = register(&Prepared::new(&picture), &Prepared::from(found));
        let first = all.first().expect("a third is left");
        assert!(error(first, &map, Size { width: 720, height: 405 }) < 0.2);
        let gate = first.gate(Size { width: 720, height: 405 });
        let share = |columns: std::ops::Range<usize>| {
            let sum: f32 = gate.rows().map(|row| row[columns.clone()].iter().sum::<f32>()).sum();
            sum / (405 * columns.len()) as f32
        };
        assert!(share(0..240) > 0.9 && share(260..720) < 0.1, "{} {}", share(0..240), share(260..720));
        assert_eq!(first.agrees_at(500, 200), gate.at(500, 200) > 0.5);
    }

    #[test]
    fn nothing_is_made_of_nothing() {
        let picture = blobs(LARGE, 900, 1);
        let original = Prepared::new(&picture);
        for (width, height) in [(1, 1), (3000, 10), (24, 24), (640, 480)] {
            let flat = Plane::filled(Size { width, height }, 77.0);
            assert!(register(&original, &Prepared::new(&flat)).is_empty());
            assert!(register(&Prepared::new(&flat), &original).is_empty());
            let broken = Plane::filled(Size { width, height }, f32::NAN);
            assert!(register(&original, &Prepared::new(&broken)).is_empty());
        }
    }

    #[test]
    fn a_lens_is_measured() {
        let picture = blobs(LARGE, 900, 1);
        let size = Size { width: 800, height: 600 };
        let map = Homography { rows: [[0.72, 0.02, 50.0], [-0.01, 0.74, 90.0], [2e-5, 1e-5, 1.0]] };
        let lens = Lens { k: [-0.04, 0.0], ..Lens::none(size) };
        let truth = Alignment { lens: Some(lens), ..Alignment::exact(map) };
        let found = warp(&picture, &truth, size);
        let all = register(&Prepared::new(&picture), &Prepared::from(found));
        let first = all.first().expect("a photograph");
        for p in [[80.0, 120.0], [400.0, 300.0], [600.0, 450.0]] {
            let ([ax, ay], [bx, by]) = (first.original_at(p), truth.original_at(p));
            assert!((ax - bx).abs() < 0.1 && (ay - by).abs() < 0.1, "{ax} {ay} {bx} {by}");
            let [x, y] = first.found_at(first.original_at(p));
            assert!((x - p[0]).abs() < 1e-6 && (y - p[1]).abs() < 1e-6);
        }
    }
}

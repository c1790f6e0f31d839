//! From a found picture to a short list of originals.

use std::collections::BTreeMap;

use tiermark_signal::fingerprint::{Framing, Look, Near, Turn, Variant, looks, panels, scan};
use tiermark_signal::{Affine, Plane, Size};

use super::layout::VECTOR;
use super::local::{CONVINCING, LocalIndex};
use super::{Archive, Entry};

/// An original that a found picture may have been made from.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// It.
    pub entry: Entry,
    /// How it was found.
    pub how: How,
    /// How alike they are, 0 to 1: for whole pictures a cosine, for parts the share of the original's features that agree.
    /// The two are not to be compared with each other.
    pub likeness: f32,
}

/// How a candidate was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum How {
    /// By what it looks like as a whole.
    Whole {
        /// What was undone to the found picture.
        variant: Variant,
    },
    /// As one picture of several, by what a panel of the found picture looks like.
    Panel {
        /// The left and upper edge of the panel, found pixels.
        at: [usize; 2],
        /// Its width and height.
        size: Size,
        /// What was undone to it.
        variant: Variant,
    },
    /// By its local features.
    Part {
        /// How many agree on one map.
        votes: usize,
        /// That map, from the original to the found picture; mirrored left for right first, if it was.
        map: Affine,
        /// Whether the found picture had to be mirrored.
        mirrored: bool,
        /// Whether dark and bright had to be exchanged.
        negative: bool,
    },
}

impl Archive {
    /// Up to `most` originals that a picture may have been made from, the likeliest first.
    ///
    /// Frames that differ little are all among them, as far as `most` allows: which one it is, a closer look decides.
    /// There is a list for any picture, known or not: likeness says how much it is worth.
    pub fn candidates(&self, found_luma: &Plane, most: usize) -> Vec<Candidate> {
        if self.is_empty() || most == 0 {
            return Vec::new();
        }
        let whole = self.wholes(found_luma, most);
        let likeness = whole.first().map_or(0.0, |(likeness, ..)| *likeness);
        let whole = whole.into_iter().filter_map(|(likeness, index, variant)| {
            let entry = self.original(index).ok()?;
            Some(Candidate { entry, how: How::Whole { variant }, likeness })
        });
        if likeness >= SURE {
            return once_each(whole.collect(), most);
        }
        let panels = self.in_panels(found_luma, most);
        let parts = self.parts(found_luma, most);
        let convinced = parts
            .first()
            .is_some_and(|one| matches!(one.how, How::Part { votes, .. } if votes >= CONVINCING));
        let (sure, panels): (Vec<Candidate>, Vec<Candidate>) =
            panels.into_iter().partition(|one| one.likeness >= ALIKE.max(likeness));
        // A part that fits is worth more than a whole that is a little alike, and the other way round; both stay.
        let rest = match convinced && likeness < ALIKE {
            true => parts.into_iter().chain(by_turns([whole.collect(), panels])).collect(),
            false => by_turns([whole.collect(), parts, panels]),
        };
        once_each(sure.into_iter().chain(rest).collect(), most)
    }

    /// The nearest whole pictures: likeness, number, and under which variant.
    fn wholes(&self, luma: &Plane, most: usize) -> Vec<(f32, usize, Variant)> {
        let (looks, likeliest) = looks(luma);
        let near = self.nearest(&looks[..likeliest], most);
        if near.first().is_some_and(|(likeness, ..)| *likeness >= SURE) {
            return near;
        }
        let mut near = near;
        near.extend(self.nearest(&looks[likeliest..], most));
        near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut seen = std::collections::HashSet::new();
        near.retain(|(_, index, _)| seen.insert(*index));
        near
    }

    fn nearest(&self, looks: &[Look], most: usize) -> Vec<(f32, usize, Variant)> {
        let signs: Vec<[u64; 4]> = looks.iter().map(|look| look.whole.signs()).collect();
        let near = scan(self.hashes(), &signs, (4 * most).max(LOOKED_AT));
        let mut alike: Vec<_> = near.iter().filter_map(|near| self.alike(near, looks)).collect();
        alike.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        alike
    }

    /// How alike one is under the variant that suits it best.
    fn alike(&self, near: &Near, looks: &[Look]) -> Option<(f32, usize, Variant)> {
        let bytes: &[u8; VECTOR] = self.vector(near.index as usize)?;
        let vector = bytes.map(u8::cast_signed);
        let under = looks.iter().map(|look| (look.whole.likeness(&vector), look.variant));
        let both = under.flat_map(|(likeness, variant)| {
            // A negative is rarer than a picture that is unlike by chance.
            [(likeness, variant), (0.98 * -likeness, Variant { negative: true, ..variant })]
        });
        both.max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(likeness, variant)| (likeness, near.index as usize, variant))
    }

    /// The nearest to each panel: the nearest to any of them first, then the second nearest to any.
    ///
    /// So every picture of a sheet is told before the neighbours of one.
    fn in_panels(&self, luma: &Plane, most: usize) -> Vec<Candidate> {
        let mut ranked = Vec::new();
        for panel in panels(luma) {
            let look = |mirrored: bool, whole| {
                let (framing, turn) = (Framing::Full, Turn::None);
                Look { variant: Variant { framing, mirrored, turn, negative: false }, whole }
            };
            let looks = [look(false, panel.whole), look(true, panel.whole.mirrored())];
            let near = self.nearest(&looks, most).into_iter().take(most).enumerate();
            ranked.extend(near.map(|(rank, near)| (rank, near, panel.at, panel.size)));
        }
        ranked.sort_by(|(a, near, ..), (b, other, ..)| {
            a.cmp(b).then(other.0.total_cmp(&near.0)).then(near.1.cmp(&other.1))
        });
        let candidates = ranked.into_iter().filter(|(_, (likeness, ..), ..)| *likeness >= LITTLE);
        let told = candidates.filter_map(|(_, (likeness, index, variant), at, size)| {
            let how = How::Panel { at, size, variant };
            Some(Candidate { entry: self.original(index).ok()?, how, likeness })
        });
        told.collect()
    }

    fn parts(&self, luma: &Plane, most: usize) -> Vec<Candidate> {
        let index = self.index.get_or_init(|| LocalIndex::of(self));
        let mut candidates = Vec::new();
        for shared in index.shared(self, luma) {
            let votes = shared.agreement.features;
            let count = self.drawing(shared.drawing as usize).map_or(1, |drawing| drawing.count.max(1));
            let how = How::Part {
                votes,
                map: shared.agreement.map,
                mirrored: shared.mirrored,
                negative: shared.negative,
            };
            let likeness = votes as f32 / count as f32;
            let entries = index.entries(shared.drawing).filter_map(|index| self.original(index).ok());
            candidates.extend(entries.map(|entry| Candidate { entry, how, likeness }));
            if candidates.len() >= most {
                break;
            }
        }
        candidates
    }
}

/// None convinces: the best of each by turns.
fn by_turns<const N: usize>(lists: [Vec<Candidate>; N]) -> Vec<Candidate> {
    let mut lists = lists.map(Vec::into_iter);
    let mut all = Vec::new();
    loop {
        let before = all.len();
        all.extend(lists.iter_mut().filter_map(Iterator::next));
        if all.len() == before {
            return all;
        }
    }
}

/// Each original once, in its best place: of several records of one under one content the newest.
fn once_each(all: Vec<Candidate>, most: usize) -> Vec<Candidate> {
    let mut kept: Vec<Candidate> = Vec::new();
    let mut place = BTreeMap::new();
    for candidate in all {
        let same = (*candidate.entry.pix.as_bytes(), *candidate.entry.content.as_bytes());
        match place.get(&same) {
            Some(&at) => {
                let known: &mut Candidate = &mut kept[at];
                if candidate.entry.index > known.entry.index {
                    known.entry = candidate.entry;
                }
            }
            None if kept.len() < most => {
                place.insert(same, kept.len());
                kept.push(candidate);
            }
            None => {}
        }
    }
    kept
}

/// The likeness from which local features are not asked, and the one up to which they come first if they agree. Unrelated
/// pictures reach 0.54, and 0.94 once among a thousand, posterised line art: docs/evidence/archive.md.
const SURE: f32 = 0.95;
const ALIKE: f32 = 0.8;
/// Panels that are less like an original are not told: unrelated pictures are as like as that.
const LITTLE: f32 = 0.55;
/// Descriptions whose vectors are looked at after the signs.
const LOOKED_AT: usize = 1000;

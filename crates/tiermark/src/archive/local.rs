//! Which drawings share local features with a found picture.
//!
//! Features are the same if their signatures differ in few of 256 bits. Comparing all with all is slow from some thousand
//! drawings on, so each is filed under a few words of 16 of its bits, and looked for under these words and those that
//! differ in one bit: a feature that is found under none of them is missed, and there are hundreds.

use std::collections::{HashMap, HashSet};

use tiermark_signal::align::{Feature, features, signature};
use tiermark_signal::fingerprint::distance;
use tiermark_signal::fingerprint::parts::{Agreement, Match, Spot, agreement};
use tiermark_signal::{Plane, Size};

use super::Archive;
use super::layout::{local_signature, local_spot};

/// For each word the features that are filed under it.
pub(super) struct LocalIndex {
    files: Vec<Filed>,
    /// The first feature of each drawing, and which drawing it is.
    firsts: Vec<(u32, u32)>,
    /// The entries of each drawing: sorted pairs of drawing and entry.
    held: Vec<(u32, u32)>,
}

/// Features in the order of one word of their signature.
struct Filed {
    starts: Vec<u32>,
    features: Vec<u32>,
}

/// A drawing that shares features with a found picture.
pub(super) struct Shared {
    pub(super) drawing: u32,
    pub(super) agreement: Agreement,
    pub(super) mirrored: bool,
    pub(super) negative: bool,
}

impl LocalIndex {
    pub(super) fn of(archive: &Archive) -> Self {
        let mut firsts = Vec::new();
        for number in 0..archive.drawings.len() / super::DRAWING {
            let Some(record) = archive.drawing(number) else { continue };
            if record.count > 0 && u32::try_from(record.first).is_ok() {
                firsts.push((record.first as u32, number as u32));
            }
        }
        firsts.sort_unstable();
        let drawing_of = |index| Some((super::Record::read(archive.record(index)?)?.drawing, index as u32));
        let mut held: Vec<(u32, u32)> = (0..archive.len()).filter_map(drawing_of).collect();
        held.sort_unstable();
        let files = (0..WORDS).map(|word| Filed::of(archive, word)).collect();
        Self { files, firsts, held }
    }

    /// The entries that show a drawing, the first first.
    pub(super) fn entries(&self, drawing: u32) -> impl Iterator<Item = usize> + '_ {
        let from = self.held.partition_point(|(number, _)| *number < drawing);
        self.held[from..]
            .iter()
            .take_while(move |(number, _)| *number == drawing)
            .map(|(_, entry)| *entry as usize)
    }

    /// The drawings that share most features with a picture, in an arrangement that fits: the most features first.
    pub(super) fn shared(&self, archive: &Archive, luma: &Plane) -> Vec<Shared> {
        let mut upright = features(luma, MOST_SOUGHT);
        let mut shared = self.shared_as(archive, &upright, (false, false));
        if !convince(&shared) {
            // One picture among several, or a small one: what is weak in the whole is looked at window by window.
            upright = in_windows(luma);
            shared.extend(self.shared_as(archive, &upright, (false, false)));
        }
        if !convince(&shared) {
            let mirrored: Vec<Feature> = upright.iter().map(|one| one.mirrored(luma.width())).collect();
            let negative: Vec<Feature> = upright.iter().map(Feature::inverted).collect();
            shared.extend(self.shared_as(archive, &mirrored, (true, false)));
            shared.extend(self.shared_as(archive, &negative, (false, true)));
        }
        shared
            .sort_by(|a, b| b.agreement.features.cmp(&a.agreement.features).then(a.drawing.cmp(&b.drawing)));
        let mut seen = HashSet::new();
        shared.retain(|one| seen.insert(one.drawing));
        shared
    }

    fn shared_as(
        &self,
        archive: &Archive,
        sought: &[Feature],
        (mirrored, negative): (bool, bool),
    ) -> Vec<Shared> {
        let mut voted: Vec<(u32, Vec<Match>)> = self.votes(archive, sought).into_iter().collect();
        voted.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then(a.0.cmp(&b.0)));
        voted.truncate(ARRANGED);
        let arranged = voted.into_iter().filter_map(|(drawing, matches)| {
            let size = archive.drawing(drawing as usize)?.size;
            let agreement = agreement(&matches, BENT * size.long_side() as f32)?;
            (agreement.features >= LEAST).then_some(Shared { drawing, agreement, mirrored, negative })
        });
        arranged.collect()
    }

    /// For each drawing the features of it that are like one that is sought: of each sought one the nearest.
    fn votes(&self, archive: &Archive, sought: &[Feature]) -> HashMap<u32, Vec<Match>> {
        let mut votes: HashMap<u32, Vec<Match>> = HashMap::new();
        let mut near = Vec::new();
        for feature in sought {
            let signature = signature(feature);
            self.near(archive, &signature, &mut near);
            let found = Spot { at: feature.at.map(|v| v as f32), scale: feature.scale, angle: feature.angle };
            let mut last = None;
            for (drawing, _, number) in self.by_drawing(&mut near) {
                if last == Some(drawing) {
                    continue;
                }
                last = Some(drawing);
                let Some(record) = archive.drawing(drawing as usize) else { continue };
                let original = local_spot(&archive.local()[number as usize], record.size);
                votes.entry(drawing).or_default().push(Match { number: number as usize, original, found });
            }
        }
        votes
    }

    /// The features near a signature as (drawing, distance, feature), the nearest of each drawing first.
    fn by_drawing(&self, near: &mut [(u32, u32)]) -> Vec<(u32, u32, u32)> {
        let drawing = |feature: u32| {
            let behind = self.firsts.partition_point(|(first, _)| *first <= feature);
            Some(self.firsts[behind.checked_sub(1)?].1)
        };
        near.sort_unstable();
        let kept = &near[..near.len().min(MOST_NEAR)];
        let mut all: Vec<(u32, u32, u32)> =
            kept.iter().filter_map(|(apart, number)| Some((drawing(*number)?, *apart, *number))).collect();
        all.sort_unstable();
        all
    }

    /// All features that are filed near a signature and differ in few bits: distance and number.
    fn near(&self, archive: &Archive, signature: &[u64; 4], near: &mut Vec<(u32, u32)>) {
        near.clear();
        let local = archive.local();
        for (word, filed) in self.files.iter().enumerate() {
            let exact = word_of(signature, word);
            for probe in std::iter::once(exact).chain((0..16).map(|bit| exact ^ (1 << bit))) {
                for &number in filed.under(probe) {
                    let apart = distance(&local_signature(&local[number as usize]), signature);
                    if apart <= SAME {
                        near.push((apart, number));
                    }
                }
            }
        }
        near.sort_unstable();
        near.dedup();
    }
}

/// Whether any drawing shares enough with the found picture.
fn convince(shared: &[Shared]) -> bool {
    shared.iter().any(|one| one.agreement.features >= CONVINCING)
}

/// The features of nine windows of four tenths of the sides, each as strong as it is there.
fn in_windows(luma: &Plane) -> Vec<Feature> {
    let part = |side: usize| (2 * side).div_ceil(5);
    let size = Size { width: part(luma.width()), height: part(luma.height()) };
    let at = |i: usize, side: usize, part: usize| i * (side - part) / 2;
    let mut all = Vec::new();
    for i in 0..9 {
        let (left, top) = (at(i % 3, luma.width(), size.width), at(i / 3, luma.height(), size.height));
        let window = Plane::from_fn(size, |x, y| luma.at(left + x, top + y));
        all.extend(features(&window, MOST_SOUGHT / 4).into_iter().map(|mut feature| {
            feature.at = [feature.at[0] + left as f64, feature.at[1] + top as f64];
            feature
        }));
    }
    all
}

impl Filed {
    /// A counting sort: how many to each word, where each begins, and then each in its place.
    fn of(archive: &Archive, word: usize) -> Self {
        let local = &archive.local()[..archive.local().len().min(u32::MAX as usize)];
        let of = |bytes| word_of(&local_signature(bytes), word) as usize;
        let mut starts = vec![0_u32; (1 << 16) + 1];
        local.iter().for_each(|bytes| starts[of(bytes) + 1] += 1);
        (1..starts.len()).for_each(|i| starts[i] += starts[i - 1]);
        let mut next = starts.clone();
        let mut features = vec![0; local.len()];
        for (number, bytes) in local.iter().enumerate() {
            let place = &mut next[of(bytes)];
            features[*place as usize] = number as u32;
            *place += 1;
        }
        Self { starts, features }
    }

    fn under(&self, word: u16) -> &[u32] {
        let word = usize::from(word);
        &self.features[self.starts[word] as usize..self.starts[word + 1] as usize]
    }
}

/// Sixteen bits of a signature, one of each of the sixteen cells of a descriptor.
fn word_of(signature: &[u64; 4], word: usize) -> u16 {
    let bit = |place: u8| (signature[usize::from(place / 64)] >> (place % 64) & 1) as u16;
    WORD_BITS[word].iter().enumerate().fold(0, |bits, (cell, place)| bits | bit(*place) << cell)
}

/// In each cell the four bits that are set in nearest to half of 9,159 features of 32 sample stills (37 to 63 of 100; others are
/// set in 13 to 99), so that no word has many more features than another.
const WORD_BITS: [[u8; 16]; WORDS] = [
    [3, 14, 21, 26, 34, 42, 180, 184, 66, 203, 212, 94, 101, 106, 117, 125],
    [1, 10, 144, 27, 38, 169, 50, 61, 70, 207, 86, 91, 103, 110, 240, 126],
    [6, 136, 22, 28, 33, 172, 177, 62, 71, 201, 215, 90, 98, 232, 114, 124],
    [5, 11, 19, 31, 35, 175, 183, 58, 192, 204, 209, 216, 97, 109, 115, 121],
];

/// Words that a feature is filed under, 4 bytes each in memory.
const WORDS: usize = 4;
/// Bits of 256 in which two signatures of one feature may differ. After half the size and JPEG 75, or JPEG 30, 94 of 100
/// features that are found again differ in fewer than 50; the nearest of a thousand others differ in 50 to 70.
const SAME: u32 = 48;
/// Features of a found picture; of a sheet of nine, the one that is sought has a part.
const MOST_SOUGHT: usize = 2000;
/// How far lenses and perspective bend what an affine map tells: a share of the longer side of the original.
const BENT: f32 = 0.04;
/// Features near one sought feature that are looked at: a background of a thousand drawings has each a thousand times.
const MOST_NEAR: usize = 4096;
/// Drawings of which the arrangement is looked at.
const ARRANGED: usize = 64;
/// Features that must agree for a drawing to be a candidate at all, and for a mirrored one not to be looked for.
const LEAST: usize = 4;
pub(super) const CONVINCING: usize = 10;

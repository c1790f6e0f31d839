//! What an original looks like, found out while it is decoded anyway.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tiermark_frame::Frame;
use tiermark_ledger::Digest;
use tiermark_signal::align::features;
use tiermark_signal::fingerprint::Whole;
use tiermark_signal::resample::area_mean;
use tiermark_signal::{Plane, Size};

use super::Archive;
use super::layout::{LOCAL, local_bytes};

/// What one original looks like, as a whole and in its parts.
#[derive(Clone)]
pub struct Sight {
    pub(super) whole: Whole,
    pub(super) drawing: Drawing,
}

/// The parts of a drawing: recorded before, or to be.
#[derive(Clone)]
pub(super) enum Drawing {
    /// Its number in the archive.
    Known(u32),
    /// Shared by the frames that hold it.
    Fresh(Arc<Parts>),
}

/// Local features, as the archive keeps them.
pub(super) struct Parts {
    pub(super) size: Size,
    pub(super) features: OnceLock<Vec<[u8; LOCAL]>>,
}

/// The drawings of a shot: what each looks like as a whole, and its parts.
type Drawings = Vec<(Whole, Arc<Parts>)>;

/// Looks at originals, from many threads at once, and sees where a drawing is held.
#[derive(Default)]
pub struct Sights {
    /// First halves of the digests of known values, with the numbers of their drawings; sorted.
    known: Vec<([u8; 16], u32)>,
    /// The last few drawings of each shot.
    shots: Mutex<HashMap<String, Drawings>>,
}

impl Sights {
    /// For a studio with this archive, if it has one: what is recorded is not described again.
    pub fn new(archive: Option<&Archive>) -> Self {
        let known = archive.iter().flat_map(|archive| {
            (0..archive.len()).filter_map(|index| {
                let record = super::Record::read(archive.record(index)?)?;
                archive.drawing(record.drawing as usize)?;
                Some((half(record.pix), record.drawing))
            })
        });
        let mut known: Vec<_> = known.collect();
        known.sort_unstable();
        Self { known, shots: Mutex::default() }
    }

    /// What a frame of a shot looks like, whose values have the digest `pix`.
    pub fn of(&self, shot: &str, pix: Digest, frame: &Frame) -> Sight {
        let luma = frame.luma_on_white();
        let whole = Whole::of(&luma);
        if let Ok(place) = self.known.binary_search_by(|(known, _)| known.cmp(&half(pix))) {
            return Sight { whole, drawing: Drawing::Known(self.known[place].1) };
        }
        let parts = match self.held(shot, &whole, frame.size()) {
            Ok(parts) => parts,
            Err(parts) => {
                // Outside of the lock: other frames of the shot need not wait for the features, only for whose they are.
                let _ = parts.features.set(described(&luma));
                parts
            }
        };
        Sight { whole, drawing: Drawing::Fresh(parts) }
    }

    /// The drawing of this shot that the frame holds; or a new one, whose features the caller has to find.
    fn held(&self, shot: &str, whole: &Whole, size: Size) -> Result<Arc<Parts>, Arc<Parts>> {
        let mut shots = self.shots.lock().unwrap_or_else(PoisonError::into_inner);
        let drawings = shots.entry(shot.to_owned()).or_default();
        let same = |(other, parts): &&(Whole, Arc<Parts>)| {
            parts.size == size && other.likeness(whole.vector()) >= HELD
        };
        if let Some((_, parts)) = drawings.iter().find(same) {
            return Ok(Arc::clone(parts));
        }
        let parts = Arc::new(Parts { size, features: OnceLock::new() });
        if drawings.len() == REMEMBERED {
            drawings.remove(0);
        }
        drawings.push((*whole, Arc::clone(&parts)));
        Err(parts)
    }
}

/// The strongest local features of a drawing, found on a grid whose long side is at most [`LONG_SIDE`].
fn described(luma: &Plane) -> Vec<[u8; LOCAL]> {
    let cell = (luma.size().long_side() as f64 / LONG_SIDE).max(1.0);
    let fits = luma.size().short_side() as f64 >= cell;
    let small = if cell > 1.0 && fits { area_mean(luma, cell) } else { luma.clone() };
    let cell = luma.width() as f32 / small.width() as f32;
    let mut features = features(&small, MOST_FEATURES);
    features.iter_mut().for_each(|feature| feature.scale *= cell);
    // Places are recorded as shares of the sides, and those are the same on both grids.
    features.iter().map(|feature| local_bytes(feature, small.size())).collect()
}

fn half(digest: Digest) -> [u8; 16] {
    std::array::from_fn(|i| digest.as_bytes()[i])
}

/// A grid of this side takes a third of the time of the full one. At 720 the right shot came first in 0.83 of 48 screenshots
/// instead of 0.88, and in 0.79 of 48 crops to 55 % of the sides instead of 0.85: docs/evidence/archive.md.
const LONG_SIDE: f64 = 960.0;
/// Features of a drawing that are kept: 12 kB.
pub(super) const MOST_FEATURES: usize = 300;
/// The likeness from which a drawing counts as held. It must be stricter than a mouth: docs/evidence/archive.md.
const HELD: f32 = 0.9995;
/// Drawings of a shot that a frame is compared with: those on twos and threes, and a cycle's.
const REMEMBERED: usize = 24;

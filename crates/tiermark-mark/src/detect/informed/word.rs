//! The open word in what the original leaves over: its place on the lattice is known, and nothing of the picture is in the way.

use tiermark_signal::{Plane, Size};

use super::super::front::Gentle;
use super::super::reading::Reading;
use super::super::{Detector, Question};
use crate::layout::NODE;
use crate::payload::ContentId;
use crate::sync::{Area, Fit, LatticeMap, Trust};

/// What a found picture says of open words, before any key is asked.
#[derive(Clone, Debug)]
pub struct WordEvidence {
    /// Weighed and whitened luma at the nodes of the original.
    pub(super) nodes: Plane,
}

impl WordEvidence {
    /// Add what another picture of the same content says.
    pub fn add(&mut self, other: &Self) {
        if self.nodes.size() == other.nodes.size() {
            self.nodes.samples_mut().iter_mut().zip(other.nodes.samples()).for_each(|(a, b)| *a += b);
        }
    }
}

impl Detector {
    /// The words in a picture whose original was subtracted; each of the `ways` in which that was done counts as one map.
    ///
    /// The original was stamped as `content`, so that its place in the lattice is known.
    pub fn read_informed(
        &self,
        evidence: &WordEvidence,
        content: &ContentId,
        question: &Question<'_>,
        ways: f64,
    ) -> Vec<Reading> {
        let gentle = Gentle { plane: evidence.nodes.clone(), factor: 1 };
        let fit = placed(evidence.nodes.size(), self.lattice.shift(content));
        self.read_map(&gentle, &fit, &self.words(question), ways)
    }
}

impl Detector {
    /// Whether a word stands where it was written: at a found place, px, under which lies this place, px, of an original of this
    /// size that was stamped as `content`.
    ///
    /// A mark that was lifted from one picture and laid on another lies elsewhere: each content has its own place in the
    /// lattice.
    pub fn stands_on(
        &self,
        reading: &Reading,
        found: [f64; 2],
        (content, original, size): (&ContentId, [f64; 2], Size),
    ) -> bool {
        /// What a map may be off, ref px; chance agrees once in 600.
        const OFF: f64 = 5.0;
        let shift = self.lattice.shift(content);
        let scale = crate::layout::pixels_per_ref(size);
        let read = reading.fit.map.apply(found.map(|at| at + 0.5));
        (0..2).all(|i| {
            let apart = read[i] - (shift[i] + (original[i] + 0.5) / scale);
            // A map is known but for whole tiles.
            let period = crate::layout::TILE as f64;
            (apart - period * libm::round(apart / period)).abs() <= OFF
        })
    }
}

/// The map from nodes to a lattice that is shifted so far.
fn placed(nodes: Size, shift: [f64; 2]) -> Fit {
    let area = Area::whole(nodes);
    let mut map = LatticeMap::linear(&area, [[NODE, 0.0], [0.0, NODE]]);
    // The second node lies on the picture's border.
    for ((terms, centre), shift) in map.terms.iter_mut().zip(area.centre()).zip(shift) {
        terms[0] += NODE * (centre - 1.5) + shift;
    }
    Fit { map, strength: 0.0, trust: Trust::even(area), sign: 1.0 }
}

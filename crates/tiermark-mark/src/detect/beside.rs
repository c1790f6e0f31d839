//! Further tiers where one was read: all tiers of a project lie on one lattice, so its map is theirs.

use super::front::Gentle;
use super::look::Look;
use super::reading::{Reading, Surface, certain, surer, together};
use super::{Detector, Noted, Question};
use crate::embed::Picture;

impl Detector {
    /// The words of these tiers in a picture in which a detector of the same lattice has read another tier's word: under its
    /// map, and under the same map made finer.
    ///
    /// The map was chosen without these keys, so it is no trial of theirs: two maps are counted, on each surface.
    pub fn read_beside(&self, found: &Picture<'_>, first: &Reading, question: &Question<'_>) -> Vec<Reading> {
        const MAPS: usize = 2;
        let words = self.words(question);
        let maps = (MAPS * found.layers()) as f64;
        let alpha = if first.surface == Surface::Layer { found.alpha } else { None };
        let gentle = Gentle::on(found, alpha);
        let as_it_is = self.read_map(&gentle, &first.fit, &words, maps);
        let mut all = match Look::at(&gentle, &self.lattice) {
            Some(look) => {
                together(as_it_is, self.read_map(&gentle, &look.polished(&first.fit), &words, maps))
            }
            None => as_it_is,
        };
        all.iter_mut().for_each(|reading| reading.surface = first.surface);
        all
    }

    /// The words of these tiers in a picture; where none is certain, those of another detector of the same lattice, under the
    /// maps that were read in vain: the search for the lattice is made once. These are two searches.
    pub fn read_or(
        &self,
        other: &Self,
        found: &Picture<'_>,
        question: &Question<'_>,
        others: &Question<'_>,
    ) -> (Vec<Reading>, Vec<Reading>) {
        let (words, searches) = (self.words(question), found.layers() as f64);
        let (gentle, mut noted) = (Gentle::on(found, None), Vec::new());
        let readings = self.search_noting(&gentle, question, &words, searches, &mut noted);
        let readings = self.or_layer(readings, found, question, &words);
        if certain(&readings) {
            return (readings, Vec::new());
        }
        let (words, middle) = (other.words(others), gentle.middle());
        let mut best = Vec::new();
        for Noted { fit, maps, in_middle } in noted {
            let gentle = middle.as_ref().filter(|_| in_middle).unwrap_or(&gentle);
            best = surer(best, other.read_map(gentle, &fit, &words, maps));
            if certain(&best) {
                break;
            }
        }
        let best = other.or_layer(best, found, others, &words);
        (readings, best)
    }
}

//! Every constant that embedder and detector must share. Version 1; a change here is a new version.
//!
//! Lengths are in reference pixels (ref px): a frame whose shorter side is 720 has one to an image pixel, so that a
//! 4K frame and its 720p proxy carry the same pattern. What was measured is in `docs/spec/mark-v1.md`.

use std::sync::LazyLock;

use tiermark_signal::Size;

/// Image pixels for each ref px in a frame of this size.
///
/// Below 360 lines the pattern stops shrinking: its finest waves would fall under the pixel grid of every codec.
pub fn pixels_per_ref(size: Size) -> f64 {
    (size.short_side() as f64 / 720.0).max(0.5)
}

/// Side of the periodic tile, ref px.
pub(crate) const TILE: usize = 256;
/// Tiles on a side of the sign field, after which it repeats.
pub(crate) const FIELD: usize = 8;
/// Width of the soft border between tiles of different sign, ref px.
pub(crate) const CROSSFADE: f64 = 24.0;
/// A band of harmonics by their radius in cycles per tile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Band {
    /// Smallest radius, inclusive.
    pub(crate) from: f64,
    /// Largest radius, exclusive.
    pub(crate) to: f64,
    /// Share of the payload's power on flat colour, where codecs leave only what is slow.
    pub(crate) flat: f64,
    /// Share on texture, where slow waves drown in the picture.
    pub(crate) textured: f64,
}

/// Waves of 32 to 64, 16 to 32 and 8 to 16 ref px.
pub(crate) const BANDS: [Band; 3] = [
    Band { from: 4.0, to: 8.0, flat: 0.22, textured: 0.08 },
    Band { from: 8.0, to: 16.0, flat: 0.66, textured: 0.42 },
    Band { from: 16.0, to: 32.0, flat: 0.12, textured: 0.50 },
];

/// The two rings of sync lines, in the form of bands.
pub(crate) const SYNC_RINGS: [Band; 2] = [
    Band { from: 9.0, to: 16.0, flat: 0.75, textured: 0.40 },
    Band { from: 16.0, to: 29.0, flat: 0.25, textured: 0.60 },
];
/// Sync lines in each ring, one to an angular sector.
pub(crate) const RING_LINES: usize = 16;
/// Smallest distance between two sync lines, cycles per tile.
pub(crate) const LINE_DISTANCE: f64 = 3.0;

/// What a plane of cells changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Component {
    /// `.299 R + .587 G + .114 B`.
    Luma,
    /// `(B - luma) / 1.772`.
    Cb,
    /// `(R - luma) / 1.402`.
    Cr,
}

/// A plane of keyed cells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CellPlane {
    pub(crate) component: Component,
    /// Side of a cell, ref px.
    pub(crate) side: f64,
    /// Share of the component's power.
    pub(crate) share: f32,
}

/// Cells of a 180th, a 90th and a 45th of the shorter side in luma, the coarser two in both colour differences: finer ones
/// die at half size, and in the colour differences of every codec.
pub(crate) const CELL_PLANES: [CellPlane; 7] = [
    CellPlane { component: Component::Luma, side: 4.0, share: 1.0 / 3.0 },
    CellPlane { component: Component::Luma, side: 8.0, share: 1.0 / 3.0 },
    CellPlane { component: Component::Luma, side: 16.0, share: 1.0 / 3.0 },
    CellPlane { component: Component::Cb, side: 8.0, share: 0.5 },
    CellPlane { component: Component::Cb, side: 16.0, share: 0.5 },
    CellPlane { component: Component::Cr, side: 8.0, share: 0.5 },
    CellPlane { component: Component::Cr, side: 16.0, share: 0.5 },
];

/// Distance of the nodes that cells are laid on, and evidence is gathered on, ref px: half of the finest cell.
pub(crate) const NODE: f64 = 2.0;

/// A wave on the tile: (kx, ky) whole cycles across and down, ky > 0 or ky = 0 < kx.
pub(crate) type Harmonic = (i32, i32);

/// Radius of a harmonic, cycles per tile.
pub(crate) fn radius((kx, ky): Harmonic) -> f64 {
    libm::hypot(f64::from(kx), f64::from(ky))
}

/// All harmonics of each band, row by row.
pub(crate) static HARMONICS: LazyLock<[Vec<Harmonic>; 3]> =
    LazyLock::new(|| BANDS.map(|band| harmonics(&band)));

fn harmonics(band: &Band) -> Vec<Harmonic> {
    let reach = band.to as i32;
    let half_plane = (0..=reach).flat_map(|ky| (-reach..=reach).map(move |kx| (kx, ky)));
    half_plane
        .filter(|&(kx, ky)| ky > 0 || kx > 0)
        .filter(|&k| (band.from..band.to).contains(&radius(k)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_carries_the_same_pattern() {
        let at = |width, height| pixels_per_ref(Size { width, height });
        assert_eq!((at(1280, 720), at(1080, 1920), at(3840, 2160), at(640, 120)), (1.0, 1.5, 3.0, 0.5));
    }

    #[test]
    fn bands_hold_each_wave_once() {
        let counts: Vec<usize> = HARMONICS.iter().map(Vec::len).collect();
        // Half a ring of area pi (to^2 - from^2): 75, 301, 1206; less than 2 % off at the rims.
        assert_eq!(counts, [74, 300, 1206]);
        assert!(BANDS.map(|b| b.flat).iter().sum::<f64>() - 1.0 < 1e-9);
        assert!(BANDS.map(|b| b.textured).iter().sum::<f64>() - 1.0 < 1e-9);
    }
}

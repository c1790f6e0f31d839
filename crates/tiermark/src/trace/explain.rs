//! Pictures for people who would rather look: what was laid over what, and where in it the evidence is.

use std::path::Path;

use image::{ImageFormat, Rgb, RgbImage};
use tiermark_ledger::Digest;
use tiermark_signal::{Plane, Size};

use super::Tracer;
use super::closed;
use super::informed::{Said, plain};
use super::ready::{FoundPicture, Known, Under};
use crate::inputs::why;
use crate::sink::Part;

impl Tracer {
    /// Three PNG files for each original under a found picture, named after the picture's digest: the overlay (the original in
    /// red, the found picture in cyan: grey where they agree), what is left (x16 around grey), and, on the original's grid, what
    /// each place says of the surest recipient (warm for it, cold against it).
    pub(super) fn explain(
        &self,
        folder: &Path,
        sha256: Digest,
        under: &[Under],
        found: &FoundPicture,
    ) -> Result<(), String> {
        for (n, under) in under.iter().enumerate() {
            let name = |what: &str| folder.join(format!("{}-{n}-{what}.png", &sha256.to_string()[..12]));
            let expected = under.expected(found);
            write(&name("overlay"), &two(&expected, &found.luma))?;
            write(&name("left"), &left(&expected, &found.luma))?;
            if let Some(map) = self.evidence_map(under) {
                write(&name("evidence"), &map)?;
            }
        }
        Ok(())
    }

    fn evidence_map(&self, under: &Under) -> Option<RgbImage> {
        let Known { pix, content, size, .. } = *under.known();
        let content = content.or_else(|| self.content_of(pix))?;
        let evidence = under.evidence.clone();
        let said = Said { pix, content, evidence, frames: 1 };
        let suspects = self.suspects(&said);
        let scores = closed::scores(&suspects, &said.evidence);
        let best = |scores: &[tiermark_mark::Scores]| scores.iter().map(|s| s.best().1).fold(0.0, f64::max);
        let surest = (0..suspects.len()).max_by(|a, b| best(&scores[*a]).total_cmp(&best(&scores[*b])))?;
        let map = plain(&said.evidence)?.map(suspects[surest].key(), size);
        Some(heat(&map))
    }
}

fn write(path: &Path, picture: &RgbImage) -> Result<(), String> {
    let mut png = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut png, ImageFormat::Png).map_err(|error| error.to_string())?;
    let written = Part::write(path, png.get_ref()).and_then(Part::commit);
    written.map_err(|error| format!("{} could not be written: {}", path.display(), why(path, &error)))
}

fn painted(size: Size, colour: impl Fn(usize, usize) -> [f32; 3]) -> RgbImage {
    RgbImage::from_fn(size.width as u32, size.height as u32, |x, y| {
        Rgb(colour(x as usize, y as usize).map(|v| v.round().clamp(0.0, 255.0) as u8))
    })
}

fn two(original: &Plane, found: &Plane) -> RgbImage {
    painted(found.size(), |x, y| [original.at(x, y), found.at(x, y), found.at(x, y)])
}

fn left(original: &Plane, found: &Plane) -> RgbImage {
    painted(found.size(), |x, y| [128.0 + 16.0 * (found.at(x, y) - original.at(x, y)); 3])
}

/// White for nothing, red for the recipient, blue against.
fn heat(map: &Plane) -> RgbImage {
    // Each node as two by two pixels, so that the map is half as large as a 720p original.
    let size = Size { width: 2 * map.width(), height: 2 * map.height() };
    painted(size, |x, y| {
        let v = (map.at(x / 2, y / 2) / 3.0).clamp(-1.0, 1.0);
        let fade = 255.0 * (1.0 - v.abs());
        if v > 0.0 { [255.0, fade, fade] } else { [fade, fade, 255.0] }
    })
}

//! What a mark of standard strength would do to a picture, told from the picture alone.

use tiermark_signal::{Plane, Wide, widest};

use super::row::{Columns, Row};
use super::strength::SLOPE;
use super::{Picture, Strength, Survey};
use crate::mask::{Activity, Headroom, grown};

/// A picture ready to be compared with marked copies of it.
pub(crate) struct Probe {
    /// The picture under a mark, but for the mark itself: where colour can go one way only, its mean has moved that way.
    pub(crate) base: Vec<Plane>,
    /// How far luma moves for a pattern's step of one code value, at each place.
    pub(crate) response: Plane,
    /// Whether the closed set may tint it.
    pub(crate) coloured: bool,
}

/// The pattern's usual height on flat colour: all of its parts together.
const USUAL: f32 = 1.1;

impl Probe {
    /// Probe the channels of a picture, one or three.
    pub(crate) fn of(colours: &[Plane]) -> Self {
        let survey = Survey::of(&Picture { colours, alpha: None, premultiplied: false });
        widest(Probing { colours, survey: &survey })
    }
}

struct Probing<'a> {
    colours: &'a [Plane],
    survey: &'a Survey,
}

impl Wide for Probing<'_> {
    type Output = Probe;

    #[inline(always)]
    fn run(self) -> Probe {
        let Self { colours, survey: Survey { luma, rooms, coloured, .. } } = self;
        let strength = Strength::STANDARD;
        let (activity, columns) = (Activity::of(luma), Columns::new(luma.size(), [0.0; 2]));
        let gain = strength.affordable_gain(&activity);
        let mut rooms: Vec<_> = rooms.iter().map(Headroom::rows).collect();
        let shares: &[f32] = if colours.len() == 3 { &[0.299, 0.587, 0.114] } else { &[1.0] };
        let (mut base, mut response) = (colours.to_vec(), Plane::filled(luma.size(), 0.0));
        let (mut row, mut reader) = (Row::new(&columns, &strength), activity.rows());
        let (mut up, mut down) = (vec![0.0; luma.width()], vec![0.0; luma.width()]);
        for y in 0..luma.height() {
            reader.row(y, &mut row.activity);
            for (cap, activity) in row.cap.iter_mut().zip(&row.activity) {
                *cap = grown(*activity, SLOPE, gain) * strength.cap;
            }
            let growth: Vec<f32> = row.cap.iter().map(|cap| cap / strength.cap).collect();
            row.spare_flats(luma, y);
            for ((channel, (white, black)), share) in base.iter_mut().zip(&mut rooms).zip(shares) {
                white.row(y, &mut row.white);
                black.row(y, &mut row.black);
                up.copy_from_slice(channel.row(y));
                down.copy_from_slice(channel.row(y));
                row.pattern.iter_mut().zip(&growth).for_each(|(v, growth)| *v = USUAL * growth);
                row.add_to(&mut up, None, false);
                row.pattern.iter_mut().for_each(|v| *v = -*v);
                row.add_to(&mut down, None, false);
                row.pattern.fill(0.0);
                row.add_to(channel.row_mut(y), None, false);
                for (v, (up, down)) in response.row_mut(y).iter_mut().zip(up.iter().zip(&down)) {
                    *v += share * (up - down) / (2.0 * USUAL);
                }
            }
        }
        Probe { base, response, coloured: *coloured }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiermark_signal::Size;

    #[test]
    fn paper_sinks_by_half_of_what_it_may_and_flat_colour_stays() {
        let size = Size { width: 400, height: 300 };
        let at = |value: f32| {
            let probe = Probe::of(&[Plane::filled(size, value)]);
            (probe.base[0].at(200, 150), probe.response.at(200, 150))
        };
        assert_eq!(at(128.0).0, 128.0);
        assert!((at(255.0).0 - (255.0 - Strength::STANDARD.paper / 2.0)).abs() < 1e-3);
        // Both are bent by the limit that flat colour has; paper has less room to each side.
        assert!((0.6..1.0).contains(&at(128.0).1), "{}", at(128.0).1);
        assert!(at(255.0).1 < 0.9 * at(128.0).1 && at(255.0).1 > 0.4, "{}", at(255.0).1);
    }
}

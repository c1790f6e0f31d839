//! What is put over, under and around a picture.

use tiermark_signal::filter::gaussian;
use tiermark_signal::{Plane, Size};

use super::geometry::{projection, warped};
use super::{filter, picture_of, planes_of};

type Planes = Vec<Plane>;
type Colour = [f32; 3];

/// A canvas that is drawn on with simple shapes.
struct Canvas(Planes);

impl Canvas {
    fn filled(size: Size, colour: Colour) -> Self {
        Self(colour.map(|v| Plane::filled(size, v)).to_vec())
    }

    fn set(&mut self, x: isize, y: isize, colour: Colour) {
        let size = self.0[0].size();
        if x >= 0 && y >= 0 && (x as usize) < size.width && (y as usize) < size.height {
            self.0.iter_mut().zip(colour).for_each(|(plane, v)| plane.row_mut(y as usize)[x as usize] = v);
        }
    }

    fn rectangle(&mut self, (x, y): (isize, isize), (w, h): (isize, isize), colour: Colour) {
        (y..y + h).for_each(|y| (x..x + w).for_each(|x| self.set(x, y, colour)));
    }

    /// A line of round pen strokes.
    fn stroke(&mut self, from: (f64, f64), to: (f64, f64), radius: f64, colour: Colour) {
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let steps = (length / (radius * 0.5).max(0.5)).ceil().max(1.0) as usize;
        for i in 0..=steps {
            let t = i as f64 / steps as f64;
            let (cx, cy) = (from.0 + t * (to.0 - from.0), from.1 + t * (to.1 - from.1));
            let reach = radius.ceil() as isize;
            for dy in -reach..=reach {
                for dx in -reach..=reach {
                    if ((dx * dx + dy * dy) as f64) <= radius * radius {
                        self.set(cx as isize + dx, cy as isize + dy, colour);
                    }
                }
            }
        }
    }

    /// Short strokes in a line, as writing looks from afar.
    fn writing(
        &mut self,
        (x, y): (f64, f64),
        letters: usize,
        height: f64,
        colour: Colour,
        dice: &mut fastrand::Rng,
    ) {
        for letter in 0..letters {
            let left = x + letter as f64 * height * 0.7;
            for _ in 0..3 {
                let mut point = || (left + dice.f64() * height * 0.5, y + dice.f64() * height);
                let (from, to) = (point(), point());
                self.stroke(from, to, (height / 14.0).max(0.6), colour);
            }
        }
    }

    fn paste(&mut self, picture: &[Plane], (left, top): (usize, usize)) {
        let size = self.0[0].size();
        for (to, from) in self.0.iter_mut().zip(picture) {
            for y in 0..from.height().min(size.height.saturating_sub(top)) {
                let width = from.width().min(size.width.saturating_sub(left));
                to.row_mut(top + y)[left..left + width].copy_from_slice(&from.row(y)[..width]);
            }
        }
    }
}

/// Resampled by Lanczos to exact sides.
fn resized(planes: &[Plane], width: usize, height: usize) -> Planes {
    let filter = image::imageops::FilterType::Lanczos3;
    planes_of(&picture_of(planes, None).resize_exact(width.max(1) as u32, height.max(1) as u32, filter)).0
}

pub(super) fn window(planes: &[Plane], share: f64) -> Planes {
    let size = planes[0].size();
    let mut desk = Canvas::filled(size, [190.0, 196.0, 200.0]);
    let (w, h) = (size.width as f64, size.height as f64);
    let shown = resized(planes, (w * share) as usize, (h * share) as usize);
    let (left, top) = ((w * 0.3) as isize, (h * 0.22) as isize);
    let bar = (h * 0.035) as isize;
    let dice = &mut fastrand::Rng::with_seed(5);
    desk.rectangle(
        (left - 6, top - bar),
        (shown[0].width() as isize + 12, shown[0].height() as isize + bar + 6),
        [70.0; 3],
    );
    desk.writing((left as f64 + 8.0, (top - bar) as f64 + 4.0), 24, bar as f64 * 0.6, [230.0; 3], dice);
    for line in 0..24 {
        desk.writing((w * 0.02, h * 0.05 + f64::from(line) * h * 0.038), 14, h * 0.018, [40.0; 3], dice);
    }
    desk.paste(&shown, (left as usize, top as usize));
    desk.0
}

pub(super) fn logo(planes: &[Plane], area: f64, dice: &mut fastrand::Rng) -> Planes {
    let mut canvas = Canvas(planes.to_vec());
    let size = planes[0].size();
    let side = |n: usize| (n as f64 * area.sqrt()) as usize;
    let (w, h) = (side(size.width), side(size.height));
    let (left, top) = (dice.usize(0..=size.width - w) as isize, dice.usize(0..=size.height - h) as isize);
    canvas.rectangle((left, top), (w as isize, h as isize), [30.0, 60.0, 140.0]);
    let letter = h as f64 * 0.5;
    canvas.writing((left as f64 + 0.1 * w as f64, top as f64 + letter / 2.0), 4, letter, [245.0; 3], dice);
    canvas.0
}

pub(super) fn annotations(planes: &[Plane], dice: &mut fastrand::Rng) -> Planes {
    let mut canvas = Canvas(planes.to_vec());
    let size = planes[0].size();
    let (w, h) = (size.width as f64, size.height as f64);
    let red = [215.0, 25.0, 30.0];
    let pen = h / 250.0;
    for _ in 0..7 {
        let (x, y, reach) = (dice.f64() * w, dice.f64() * h, h * (0.06 + 0.12 * dice.f64()));
        let on_circle = |i: usize| {
            let angle = i as f64 / 24.0 * 2.0 * std::f64::consts::PI;
            (x + 1.4 * reach * angle.cos(), y + reach * angle.sin())
        };
        (0..24).for_each(|i| canvas.stroke(on_circle(i), on_circle(i + 1), pen, red));
        let tip = (x + 2.5 * reach, y - 1.5 * reach);
        canvas.stroke(on_circle(2), tip, pen, red);
        canvas.writing(tip, 10, h * 0.04, red, dice);
    }
    canvas.0
}

/// Soft strokes of flat colours until the share is covered.
pub(super) fn repaint(planes: &[Plane], area: f64, dice: &mut fastrand::Rng) -> Planes {
    let size = planes[0].size();
    let (w, h) = (size.width as f64, size.height as f64);
    let mut painted = planes.to_vec();
    let mut covered = Plane::filled(size, 0.0);
    let share = |covered: &Plane| {
        covered.samples().iter().filter(|v| **v > 0.5).count() as f64 / covered.samples().len() as f64
    };
    let mut strokes = 0;
    while share(&covered) < area && strokes < 200 {
        strokes += 1;
        let mut mask = Canvas::filled(size, [0.0; 3]);
        let colour: Colour = std::array::from_fn(|_| (dice.f64() * 255.0) as f32);
        let mut from = (dice.f64() * w, dice.f64() * h);
        for _ in 0..4 {
            let to = (
                (from.0 + (dice.f64() - 0.5) * w * 0.5).clamp(0.0, w),
                (from.1 + (dice.f64() - 0.5) * h * 0.5).clamp(0.0, h),
            );
            mask.stroke(from, to, h.min(w) * 0.05, [1.0; 3]);
            from = to;
        }
        let soft = gaussian(&mask.0[0], 3.0);
        for (plane, v) in painted.iter_mut().zip(colour) {
            plane.samples_mut().iter_mut().zip(soft.samples()).for_each(|(p, m)| *p += m * (v - *p));
        }
        covered.samples_mut().iter_mut().zip(soft.samples()).for_each(|(c, m)| *c = c.max(*m));
    }
    painted
}

/// A drawing that nobody marked: shapes with outlines on paper or a soft background.
fn drawing(size: Size, dice: &mut fastrand::Rng) -> Planes {
    let paper: Colour =
        if dice.bool() { [255.0; 3] } else { std::array::from_fn(|_| 120.0 + 100.0 * dice.f32()) };
    let mut canvas = Canvas::filled(size, paper);
    let (w, h) = (size.width as f64, size.height as f64);
    for _ in 0..6 {
        let colour: Colour = std::array::from_fn(|_| 255.0 * dice.f32());
        let (cx, cy, r) = (dice.f64() * w, dice.f64() * h, h * (0.1 + 0.2 * dice.f64()));
        canvas.stroke((cx, cy), (cx + r * 0.5, cy + r * 0.3), r + 2.0, [15.0; 3]);
        canvas.stroke((cx, cy), (cx + r * 0.5, cy + r * 0.3), r, colour);
    }
    canvas.0
}

/// Nine cells with captions, at most 1920 pixels wide; the picture is in one of them.
pub(super) fn contact_sheet(planes: &[Plane], dice: &mut fastrand::Rng) -> Planes {
    let size = planes[0].size();
    let (gap, caption) = (20, 40);
    let width = size.width.clamp(960, 1920);
    let cell = (width - 4 * gap) / 3;
    let cell = Size { width: cell, height: (cell * size.height / size.width).max(1) };
    let canvas = Size { width, height: 3 * (cell.height + caption) + gap };
    let mut sheet = Canvas::filled(canvas, [250.0; 3]);
    let chosen = dice.usize(0..9);
    for i in 0..9 {
        let (left, top) = (gap + i % 3 * (cell.width + gap), gap + i / 3 * (cell.height + caption));
        let picture =
            if i == chosen { resized(planes, cell.width, cell.height) } else { drawing(cell, dice) };
        sheet.paste(&picture, (left, top));
        sheet.writing((left as f64, (top + cell.height) as f64 + 10.0), 9, 16.0, [20.0; 3], dice);
    }
    sheet.0
}

/// A screen filmed from nearby: perspective to 8 %, a lens, shading, a warm cast, blur, noise.
pub(super) fn phone(planes: &[Plane], dice: &mut fastrand::Rng) -> Planes {
    let size = planes[0].size();
    let long = size.long_side() as f64;
    // A phone's picture is not larger than what a messenger or a case file holds.
    let share = (1600.0 / long).min(1.0);
    let small = if share < 1.0 {
        resized(planes, (size.width as f64 * share) as usize, (size.height as f64 * share) as usize)
    } else {
        planes.to_vec()
    };
    let screen = small[0].size();
    let canvas =
        Size { width: (screen.width as f64 * 1.2) as usize, height: (screen.height as f64 * 1.2) as usize };
    let mut inward = || [0.06 + 0.08 * dice.f64(), 0.06 + 0.08 * dice.f64()];
    let map = projection(canvas, [inward(), inward(), inward(), inward()]);
    let (w, h) = (canvas.width as f64, canvas.height as f64);
    // Barrel: a place at radius r (1 at the corner) is seen from r (1 + k r^2) / (1 + k).
    let lens = |x: f64, y: f64| {
        const K: f64 = 0.02;
        let (u, v) = (2.0 * x / w - 1.0, 2.0 * y / h - 1.0);
        let bent = (1.0 + K * (u * u + v * v) / 2.0) / (1.0 + K);
        ((u * bent + 1.0) * w / 2.0, (v * bent + 1.0) * h / 2.0)
    };
    let seen = warped(&small, canvas, [58.0, 66.0, 75.0], &|x, y| {
        let (x, y) = lens(x, y);
        let (u, v) = map(x, y);
        (u / w * screen.width as f64, v / h * screen.height as f64)
    });
    let mut seen = filter::blur(&seen, 0.8);
    for (plane, cast) in seen.iter_mut().zip([1.0_f32, 0.98, 0.92]) {
        for y in 0..canvas.height {
            for (x, v) in plane.row_mut(y).iter_mut().enumerate() {
                let (u, t) = (2.0 * x as f64 / w - 1.0, 2.0 * y as f64 / h - 1.0);
                let shade = 1.0 - 0.1 * (u * u + t * t) as f32;
                *v = 255.0 * (*v * cast * shade / 255.0).clamp(0.0, 1.0).powf(1.1);
            }
        }
    }
    // Luma noise: the same in all channels, as after a phone's own chroma filter.
    let grain = filter::noise(&[Plane::filled(canvas, 128.0)], 3.0, dice).remove(0);
    for plane in &mut seen {
        plane
            .samples_mut()
            .iter_mut()
            .zip(grain.samples())
            .for_each(|(v, g)| *v = (*v + g - 128.0).clamp(0.0, 255.0));
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey() -> Planes {
        vec![Plane::filled(Size { width: 320, height: 200 }, 120.0); 3]
    }

    fn changed(planes: &[Plane]) -> f64 {
        let samples = planes[0].samples();
        samples.iter().filter(|v| (**v - 120.0).abs() > 0.5).count() as f64 / samples.len() as f64
    }

    #[test]
    fn as_much_is_covered_as_asked() {
        let dice = &mut fastrand::Rng::with_seed(2);
        let block = changed(&logo(&grey(), 0.2, dice));
        assert!((block - 0.2).abs() < 0.02, "{block}");
        let brush = changed(&repaint(&grey(), 0.5, dice));
        assert!((0.5..0.75).contains(&brush), "{brush}");
        let pen = changed(&annotations(&grey(), dice));
        assert!((0.01..0.3).contains(&pen), "{pen}");
    }

    #[test]
    fn the_picture_is_once_on_the_sheet_and_in_the_window() {
        let sheet = contact_sheet(&grey(), &mut fastrand::Rng::with_seed(4));
        let cell = 1.0 - changed(&sheet);
        // One of nine cells, which fill less than nine tenths of the sheet.
        assert!((0.06..0.12).contains(&cell), "{cell}");
        let shown = 1.0 - changed(&window(&grey(), 0.6));
        assert!((shown - 0.36).abs() < 0.02, "{shown}");
        let filmed = phone(&grey(), &mut fastrand::Rng::with_seed(4));
        assert_eq!((filmed[0].width(), filmed[0].height()), (384, 240));
    }
}

//! Samples that are numbers proportional to light, seen behind the curve.
//!
//! What is seen is held between black and white, where a mark has its place; what is stored keeps what it has beyond. Colours
//! that are multiplied by alpha are seen without it, and a change is multiplied by alpha again: no halo, and nothing where
//! alpha is 0.

use std::sync::OnceLock;

use half::f16;

use super::curve::Curve;
use super::{Alpha, Layout};

/// One stored number.
pub(super) trait Float: Copy {
    /// As it is.
    fn light(self) -> f32;
    /// The nearest finite number.
    fn nearest(light: f32) -> Self;
    /// How numbers are seen where no alpha divides them.
    fn eye() -> impl Fn(Self) -> f32 + Copy;
}

impl Float for f16 {
    #[inline]
    fn light(self) -> f32 {
        self.to_f32()
    }
    #[inline]
    fn nearest(light: f32) -> Self {
        Self::from_f32(light.clamp(Self::MIN.to_f32_const(), Self::MAX.to_f32_const()))
    }
    /// All of them were looked at before.
    fn eye() -> impl Fn(Self) -> f32 + Copy {
        static ALL: OnceLock<Vec<f32>> = OnceLock::new();
        let eye = f32::eye();
        let all: &'static [f32] =
            ALL.get_or_init(|| (0..=u16::MAX).map(|bits| eye(Self::from_bits(bits).to_f32())).collect());
        |number| all[usize::from(number.to_bits())]
    }
}

impl Float for f32 {
    #[inline]
    fn light(self) -> f32 {
        self
    }
    #[inline]
    fn nearest(light: f32) -> Self {
        light.clamp(Self::MIN, Self::MAX)
    }
    fn eye() -> impl Fn(Self) -> f32 + Copy {
        let curve = Curve::get();
        move |light| seen(curve, light)
    }
}

/// One channel of a row, 0.0 to 255.0.
pub(super) fn pick<F: Float>(values: &[F], layout: Layout, channel: usize, row: &mut [f32]) {
    match layout.channels {
        1 => pick_from(values.as_chunks::<1>().0, layout, channel, row),
        2 => pick_from(values.as_chunks::<2>().0, layout, channel, row),
        3 => pick_from(values.as_chunks::<3>().0, layout, channel, row),
        4 => pick_from(values.as_chunks::<4>().0, layout, channel, row),
        channels => {
            let pixels: Vec<&[F]> = values.chunks_exact(channels).collect();
            pick_from(&pixels, layout, channel, row);
        }
    }
}

/// The same of pixels whose number of channels the compiler knows.
#[inline]
fn pick_from<F: Float>(pixels: &[impl AsRef<[F]>], layout: Layout, channel: usize, row: &mut [f32]) {
    let (eye, curve) = (F::eye(), Curve::get());
    let pixels = row.iter_mut().zip(pixels);
    if layout.alpha != Alpha::Associated {
        pixels.for_each(|(v, pixel)| *v = eye(pixel.as_ref()[channel]));
        return;
    }
    for (v, pixel) in pixels {
        let pixel = pixel.as_ref();
        *v = match divisor(pixel, layout) {
            1.0 => eye(pixel[channel]),
            divisor => seen(curve, pixel[channel].light() / divisor),
        };
    }
}

/// Alpha of a row, 0.0 to 1.0.
pub(super) fn solid<F: Float>(values: &[F], layout: Layout, row: &mut [f32]) {
    for (v, pixel) in row.iter_mut().zip(values.chunks_exact(layout.channels)) {
        *v = alpha(pixel, layout);
    }
}

/// Give a row other colours.
pub(super) fn repaint<F: Float>(values: &mut [F], layout: Layout, colours: &[&[f32]]) {
    match (layout.channels, colours) {
        (3, [r, g, b]) => repaint_pixels(values.as_chunks_mut::<3>().0, layout, [r, g, b]),
        (4, [r, g, b]) => repaint_pixels(values.as_chunks_mut::<4>().0, layout, [r, g, b]),
        (channels, colours) => {
            let curve = Curve::get();
            for (x, pixel) in values.chunks_exact_mut(channels).enumerate() {
                repaint_pixel(pixel, layout, colours.iter().map(|row| row[x]), curve);
            }
        }
    }
}

/// The usual numbers of channels, known to the compiler.
fn repaint_pixels<F: Float, const CHANNELS: usize>(
    pixels: &mut [[F; CHANNELS]],
    layout: Layout,
    colours: [&[f32]; 3],
) {
    let (curve, colours) = (Curve::get(), colours.map(|row| &row[..pixels.len()]));
    for (x, pixel) in pixels.iter_mut().enumerate() {
        repaint_pixel(pixel, layout, colours.iter().map(|row| row[x]), curve);
    }
}

#[inline]
fn repaint_pixel<F: Float>(
    pixel: &mut [F],
    layout: Layout,
    colours: impl Iterator<Item = f32>,
    curve: Curve,
) {
    if alpha(pixel, layout) == 0.0 {
        return;
    }
    let divisor = divisor(pixel, layout);
    for (sample, wish) in pixel.iter_mut().zip(colours) {
        *sample = moved(*sample, divisor, wish, curve);
    }
}

/// A sample whose seen value has become `wish`. What was not to change stays to the last bit.
#[inline]
fn moved<F: Float>(sample: F, divisor: f32, wish: f32, curve: Curve) -> F {
    let was = plain(sample.light(), divisor);
    let by = wish - seen(curve, was);
    if !was.is_finite() || by.is_nan() || by == 0.0 {
        return sample;
    }
    let now = curve.light(curve.code(was) + by);
    // Nothing gets darker than black that was not.
    F::nearest(now.max(was.min(0.0)) * divisor)
}

/// A code value between black and white; a number that is none is black.
#[inline]
fn seen(curve: Curve, light: f32) -> f32 {
    match light {
        light if light >= 1.0 => 255.0,
        light if light > 0.0 => curve.code(light),
        _ => 0.0,
    }
}

#[inline]
fn plain(light: f32, divisor: f32) -> f32 {
    if divisor == 1.0 { light } else { light / divisor }
}

/// What colours are multiplied by; 1.0 where there is nothing to see.
#[inline]
fn divisor<F: Float>(pixel: &[F], layout: Layout) -> f32 {
    match layout.alpha {
        Alpha::Associated => match alpha(pixel, layout) {
            0.0 => 1.0,
            alpha => alpha,
        },
        _ => 1.0,
    }
}

#[inline]
fn alpha<F: Float>(pixel: &[F], layout: Layout) -> f32 {
    match layout.alpha {
        Alpha::Straight | Alpha::Associated => match pixel[layout.colours].light() {
            alpha if alpha > 0.0 => alpha.min(1.0),
            _ => 0.0, // numbers that are none, too
        },
        Alpha::None | Alpha::Key(_) => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(light: f32) -> f32 {
        Curve::get().code(light)
    }

    const RGBA: Layout = Layout { colours: 3, alpha: Alpha::Associated, channels: 4 };
    const GREY: Layout = Layout { colours: 1, alpha: Alpha::None, channels: 1 };

    #[test]
    fn what_is_not_to_change_stays_to_the_last_bit() {
        let all: Vec<f16> = (0..=u16::MAX).map(f16::from_bits).collect();
        let (mut row, mut after) = (vec![0.0; all.len()], all.clone());
        pick(&all, GREY, 0, &mut row);
        assert!(row.iter().all(|v| (0.0..=255.0).contains(v)));
        repaint(&mut after, GREY, &[&row]);
        assert!(all.iter().zip(&after).all(|(a, b)| a.to_bits() == b.to_bits()));
    }

    #[test]
    fn a_step_is_as_large_in_shadows_as_in_lights() {
        for light in [0.000_5_f32, 0.01, 0.18, 0.7, 3.0] {
            let (mut pixel, mut before, mut after) = ([f16::from_f32(light)], [0.0], [0.0]);
            pick(&pixel, GREY, 0, &mut before);
            let was = code(pixel[0].to_f32());
            repaint(&mut pixel, GREY, &[&[before[0] - 1.0]]);
            pick(&pixel, GREY, 0, &mut after);
            let step = was - code(pixel[0].to_f32());
            assert!((step - 1.0).abs() < 0.2, "{light}: {step}");
        }
    }

    #[test]
    fn changes_are_multiplied_by_alpha_and_end_where_it_does() {
        let mut pixels = [0.2_f32, 0.1, 0.05, 0.5, 0.3, 0.3, 0.3, 0.0];
        let rows = [[120.0; 2]; 3];
        repaint(&mut pixels, RGBA, &[&rows[0], &rows[1], &rows[2]]);
        assert_eq!(pixels[4..], [0.3, 0.3, 0.3, 0.0]);
        let want = Curve::get().light(120.0) * 0.5;
        assert!(pixels[..3].iter().all(|v| (v - want).abs() < 1e-4), "{pixels:?}");
        assert_eq!(pixels[3], 0.5);
    }

    #[test]
    fn numbers_that_are_none_and_light_below_nothing_are_left_alone() {
        let mut pixels = [f32::NAN, f32::INFINITY, -0.25, 0.0];
        repaint(&mut pixels, GREY, &[&[5.0, 5.0, -3.0, -3.0]]);
        assert!(pixels[0].is_nan() && pixels[1].is_infinite());
        assert_eq!(pixels[3], 0.0);
        assert!(pixels[2] <= -0.25 && pixels[2].is_finite(), "{}", pixels[2]);
    }
}

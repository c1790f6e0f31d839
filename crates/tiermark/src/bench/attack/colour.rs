//! What colours become.

use tiermark_signal::Plane;

type Planes = Vec<Plane>;

fn each(planes: &[Plane], change: impl Fn(f32) -> f32 + Copy) -> Planes {
    planes.iter().map(|plane| plane.clone().map(change)).collect()
}

/// `factor (v - fixed) + fixed`.
pub(super) fn linear(planes: &[Plane], factor: f64, fixed: f32) -> Planes {
    each(planes, |v| ((v - fixed) * factor as f32 + fixed).clamp(0.0, 255.0))
}

pub(super) fn gamma(planes: &[Plane], gamma: f64) -> Planes {
    each(planes, |v| 255.0 * (v / 255.0).powf(gamma as f32))
}

pub(super) fn posterise(planes: &[Plane], levels: u8) -> Planes {
    let steps = f32::from(levels.max(2) - 1);
    each(planes, |v| (v / 255.0 * steps).round() / steps * 255.0)
}

/// Each pixel through a map of its three values.
fn mixed(planes: &[Plane], mix: impl Fn([f32; 3]) -> [f32; 3]) -> Planes {
    let mut mixed = planes.to_vec();
    for i in 0..planes[0].samples().len() {
        let out = mix([0, 1, 2].map(|channel| planes[channel].samples()[i]));
        mixed.iter_mut().zip(out).for_each(|(plane, v)| plane.samples_mut()[i] = v.clamp(0.0, 255.0));
    }
    mixed
}

/// What a colourist does: channels mixed, a gamma of 1.25, blacks lifted.
pub(super) fn graded(planes: &[Plane]) -> Planes {
    let warm = mixed(planes, |[r, g, b]| {
        [1.05 * r + 0.05 * g - 0.04 * b, 0.03 * r + 0.94 * g + 0.03 * b, 0.06 * g + 0.86 * b]
    });
    each(&gamma(&warm, 1.25), |v| 12.0 + v * 235.0 / 255.0)
}

fn luma([r, g, b]: [f32; 3]) -> f32 {
    0.299 * r + 0.587 * g + 0.114 * b
}

pub(super) fn saturation(planes: &[Plane], factor: f64) -> Planes {
    mixed(planes, |rgb| {
        let grey = luma(rgb);
        rgb.map(|v| grey + factor as f32 * (v - grey))
    })
}

/// Colour differences turned in the plane of I and Q, as a television's tint knob does.
pub(super) fn hue(planes: &[Plane], degrees: f64) -> Planes {
    let (sin, cos) = (degrees.to_radians().sin() as f32, degrees.to_radians().cos() as f32);
    mixed(planes, |[r, g, b]| {
        let y = luma([r, g, b]);
        let i = 0.596 * r - 0.274 * g - 0.322 * b;
        let q = 0.211 * r - 0.523 * g + 0.312 * b;
        let (i, q) = (cos * i - sin * q, sin * i + cos * q);
        [y + 0.956 * i + 0.621 * q, y - 0.272 * i - 0.647 * q, y - 1.106 * i + 1.703 * q]
    })
}

pub(super) fn threshold(planes: &[Plane]) -> Planes {
    mixed(planes, |rgb| [if luma(rgb) < 128.0 { 0.0 } else { 255.0 }; 3])
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiermark_signal::Size;

    #[test]
    fn colours_move_as_they_are_told() {
        let size = Size { width: 2, height: 1 };
        let planes = [200.0, 100.0, 50.0].map(|v| Plane::filled(size, v)).to_vec();
        let at = |planes: &Planes| [0, 1, 2].map(|channel: usize| planes[channel].at(0, 0).round());
        assert_eq!(at(&linear(&planes, 0.7, 128.0)), [178.0, 108.0, 73.0]);
        assert_eq!(at(&linear(&planes, 1.3, 0.0)), [255.0, 130.0, 65.0]);
        assert_eq!(at(&saturation(&planes, 0.0)), [124.0; 3]);
        assert_eq!(at(&threshold(&planes)), [0.0; 3]);
        assert_eq!(at(&posterise(&planes, 2)), [255.0, 0.0, 0.0]);
        assert_eq!(at(&hue(&planes, 0.0)), [200.0, 100.0, 50.0]);
        let turned = at(&hue(&planes, 30.0));
        assert!((luma(turned) - 124.2).abs() < 1.5 && turned != at(&planes), "{turned:?}");
    }
}

//! Light as the eye counts it: the curve of sRGB, also for light below nothing and above white.
//!
//! A mark that is added to numbers proportional to light is eleven code values strong in shadows and a tenth of one in
//! highlights; behind this curve it is as strong everywhere. The curve is that of IEC 61966-2-1, odd about zero and going on
//! above 1.0. No colour is managed here: the same curve leads there and back, whatever the primaries.

use std::sync::OnceLock;

/// The curve and its inverse, in tables that are made once.
#[derive(Clone, Copy)]
pub(crate) struct Curve {
    /// Codes of the numbers whose lower half is zero: 128 to an octave, where straight lines between them are right to 0.0005.
    codes: &'static [f32],
    /// Light of every sixteenth of a code value a little beyond white: right to 2e-5 of itself.
    lights: &'static [f32],
}

impl Curve {
    pub(crate) fn get() -> Self {
        static CODES: OnceLock<Vec<f32>> = OnceLock::new();
        static LIGHTS: OnceLock<Vec<f32>> = OnceLock::new();
        let codes =
            || (0..=INFINITE).map(|high| exact_code(f32::from_bits(high << 16).into()) as f32).collect();
        let lights = || {
            (0..=272 * STEPS as usize)
                .map(|step| exact_light(step as f64 / f64::from(STEPS)) as f32)
                .collect()
        };
        Self { codes: CODES.get_or_init(codes), lights: LIGHTS.get_or_init(lights) }
    }

    /// Code values, 0.0 to 255.0 between black and white, of light, 0.0 to 1.0 between them: of all finite numbers.
    #[inline]
    pub(crate) fn code(self, light: f32) -> f32 {
        let bits = light.abs().to_bits();
        let (at, beyond) = ((bits >> 16) as usize, (bits & 0xffff) as f32 / 65_536.0);
        let (low, high) = (self.codes[at], self.codes[at + 1]);
        (low + (high - low) * beyond).copysign(light)
    }

    /// The light of a code value: the other way round.
    #[inline]
    pub(crate) fn light(self, code: f32) -> f32 {
        let steps = code.abs() * STEPS;
        let at = (steps as usize).min(self.lights.len()); // beyond the table: below
        let light = match self.lights.get(at..at + 2) {
            Some(&[low, high]) => low + (high - low) * (steps - at as f32),
            _ => exact_light(code.abs().into()) as f32,
        };
        light.copysign(code)
    }
}

/// Upper half of the number that is infinite.
const INFINITE: u32 = 0x7f80;
/// Steps to a code value in the way back.
const STEPS: f32 = 16.0;

fn exact_code(light: f64) -> f64 {
    let light = light.min(f64::from(f32::MAX));
    255.0 * if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * libm::pow(light, 1.0 / 2.4) - 0.055 }
}

fn exact_light(code: f64) -> f64 {
    let v = code / 255.0;
    if v <= 0.040_45 { v / 12.92 } else { libm::pow((v + 0.055) / 1.055, 2.4) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(light: f32) -> f32 {
        Curve::get().code(light)
    }

    fn light(code: f32) -> f32 {
        Curve::get().light(code)
    }

    #[test]
    fn the_curve_is_that_of_srgb_and_leads_back() {
        for (light, want) in
            [(0.0, 0.0), (0.18, 117.68), (0.5, 187.52), (1.0, 255.0), (-0.18, -117.68), (8.0, 625.8)]
        {
            assert!((code(light) - want).abs() < 0.1, "{light}: {}", code(light));
        }
        for step in -2_000..40_000 {
            let there = step as f32 / 37.0;
            let back = code(light(there));
            assert!((back - there).abs() < 0.002 + 2e-5 * there.abs(), "{there}: {back}");
        }
    }

    #[test]
    fn it_rises_everywhere_and_ends_finite() {
        let mut last = -1.0;
        for bits in (0..0x7f80_0000_u32).step_by(9_973) {
            let now = code(f32::from_bits(bits));
            assert!(now >= last && now.is_finite(), "{bits:x}");
            last = now;
        }
        assert!(code(f32::MAX).is_finite() && light(f32::MAX).is_sign_positive());
    }
}

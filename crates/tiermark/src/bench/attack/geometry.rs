//! Where things are.

use tiermark_signal::resample::cubic;
use tiermark_signal::{Plane, Size};

type Planes = Vec<Plane>;
/// From a place in the new picture to one in the old, pixels from the corner.
type Map<'a> = &'a dyn Fn(f64, f64) -> (f64, f64);

/// Every plane read through `map`, `background` where there is nothing.
pub(super) fn warped(planes: &[Plane], size: Size, background: [f32; 3], map: Map<'_>) -> Planes {
    let (width, height) = (planes[0].width() as f64, planes[0].height() as f64);
    let mut warped: Planes =
        planes.iter().zip(background).map(|(_, value)| Plane::filled(size, value)).collect();
    for y in 0..size.height {
        for x in 0..size.width {
            let (u, v) = map(x as f64 + 0.5, y as f64 + 0.5);
            if u < 0.0 || v < 0.0 || u >= width || v >= height {
                continue;
            }
            for (to, from) in warped.iter_mut().zip(planes) {
                to.row_mut(y)[x] = cubic(from, (u - 0.5) as f32, (v - 0.5) as f32).clamp(0.0, 255.0);
            }
        }
    }
    warped
}

const WHITE: [f32; 3] = [255.0; 3];

pub(super) fn rotate(planes: &[Plane], degrees: f64) -> Planes {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (w, h) = (planes[0].width() as f64, planes[0].height() as f64);
    let (wide, high) = (w * cos.abs() + h * sin.abs(), w * sin.abs() + h * cos.abs());
    let size = Size { width: wide.ceil() as usize, height: high.ceil() as usize };
    warped(planes, size, WHITE, &|x, y| {
        let (x, y) = (x - wide / 2.0, y - high / 2.0);
        (cos * x + sin * y + w / 2.0, -sin * x + cos * y + h / 2.0)
    })
}

pub(super) fn shear(planes: &[Plane], share: f64) -> Planes {
    let size = planes[0].size();
    let wide = size.width + (share * size.height as f64).ceil() as usize;
    warped(planes, Size { width: wide, ..size }, WHITE, &|x, y| (x - share * y, y))
}

/// Corners moved inward, each by its own share up to the given one.
pub(super) fn perspective(planes: &[Plane], share: f64, dice: &mut fastrand::Rng) -> Planes {
    let size = planes[0].size();
    let mut inward = || [share * dice.f64(), share * dice.f64()];
    let corners = [inward(), inward(), inward(), inward()];
    warped(planes, size, WHITE, &projection(size, corners))
}

/// The map from a canvas back to a picture whose corners stand at shares of the canvas from its own corners.
pub(super) fn projection(size: Size, inward: [[f64; 2]; 4]) -> impl Fn(f64, f64) -> (f64, f64) {
    let (w, h) = (size.width as f64, size.height as f64);
    let corner = |i: usize, x: f64, y: f64| {
        let [dx, dy] = inward[i];
        [x * w + if x == 0.0 { dx } else { -dx } * w, y * h + if y == 0.0 { dy } else { -dy } * h]
    };
    let p = [corner(0, 0.0, 0.0), corner(1, 1.0, 0.0), corner(2, 1.0, 1.0), corner(3, 0.0, 1.0)];
    let forward = square_to(p);
    let inverse = inverted(forward);
    move |x, y| {
        let [u, v, k] = [0, 1, 2].map(|i| inverse[i][0] * x + inverse[i][1] * y + inverse[i][2]);
        (u / k * w, v / k * h)
    }
}

/// The projective map of the unit square to four corners (Heckbert, "Fundamentals of texture mapping", 1989, 2.2.3).
fn square_to(p: [[f64; 2]; 4]) -> [[f64; 3]; 3] {
    let [[x0, y0], [x1, y1], [x2, y2], [x3, y3]] = p;
    let (dx1, dx2, sx) = (x1 - x2, x3 - x2, x0 - x1 + x2 - x3);
    let (dy1, dy2, sy) = (y1 - y2, y3 - y2, y0 - y1 + y2 - y3);
    let det = dx1 * dy2 - dx2 * dy1;
    let (g, k) = ((sx * dy2 - dx2 * sy) / det, (dx1 * sy - sx * dy1) / det);
    [[x1 - x0 + g * x1, x3 - x0 + k * x3, x0], [y1 - y0 + g * y1, y3 - y0 + k * y3, y0], [g, k, 1.0]]
}

fn inverted(m: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let minor = |r: usize, c: usize| {
        let (r1, r2, c1, c2) = ((r + 1) % 3, (r + 2) % 3, (c + 1) % 3, (c + 2) % 3);
        m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
    };
    // The factor of the determinant falls out of a projective map.
    std::array::from_fn(|i| std::array::from_fn(|j| minor(j, i)))
}

/// StirMark's bending: a smooth random displacement (Petitcolas and Kuhn, 1998), four nodes down and six across.
pub(super) fn bend(planes: &[Plane], pixels: f64, dice: &mut fastrand::Rng) -> Planes {
    let size = planes[0].size();
    let mut nodes =
        || Plane::from_fn(Size { width: 6, height: 4 }, |_, _| ((2.0 * dice.f64() - 1.0) * pixels) as f32);
    let (across, down) = (nodes(), nodes());
    let at = |nodes: &Plane, x: f64, y: f64| {
        let (u, v) = (x / size.width as f64 * 5.0, y / size.height as f64 * 3.0);
        f64::from(cubic(nodes, u as f32, v as f32))
    };
    let (w, h) = (size.width as f64 - 1e-6, size.height as f64 - 1e-6);
    warped(planes, size, WHITE, &|x, y| {
        ((x + at(&across, x, y)).clamp(0.0, w), (y + at(&down, x, y)).clamp(0.0, h))
    })
}

pub(super) fn drop_rows(planes: &[Plane], share: f64, dice: &mut fastrand::Rng) -> Planes {
    let mut kept = |count: usize| -> Vec<usize> { (0..count).filter(|_| dice.f64() >= share).collect() };
    let (columns, rows) = (kept(planes[0].width()), kept(planes[0].height()));
    let size = Size { width: columns.len().max(1), height: rows.len().max(1) };
    let left = |plane: &Plane| {
        Plane::from_fn(size, |x, y| plane.at(*columns.get(x).unwrap_or(&0), *rows.get(y).unwrap_or(&0)))
    };
    planes.iter().map(left).collect()
}

pub(super) fn shift(planes: &[Plane], share: f64) -> Planes {
    let size = planes[0].size();
    let (dx, dy) = (share * size.width as f64, share * size.height as f64);
    warped(planes, size, WHITE, &|x, y| (x - dx.round(), y - dy.round()))
}

/// Bars above and below that make a wide picture square and any other half as high again.
pub(super) fn letterbox(planes: &[Plane]) -> Planes {
    let size = planes[0].size();
    let high = if size.width > size.height { size.width } else { size.height * 3 / 2 };
    let above = ((high - size.height) / 2) as f64;
    warped(planes, Size { height: high, ..size }, [0.0; 3], &|x, y| (x, y - above))
}

pub(super) fn crop(planes: &[Plane], area: f64, dice: &mut fastrand::Rng) -> Planes {
    let size = planes[0].size();
    let side = |n: usize| ((n as f64 * area.sqrt()) as usize).clamp(1, n);
    let cut = Size { width: side(size.width), height: side(size.height) };
    let (left, top) = (dice.usize(0..=size.width - cut.width), dice.usize(0..=size.height - cut.height));
    planes.iter().map(|plane| Plane::from_fn(cut, |x, y| plane.at(left + x, top + y))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slope() -> Planes {
        let plane =
            |f: f32| Plane::from_fn(Size { width: 200, height: 120 }, |x, y| x as f32 + f * y as f32 / 4.0);
        vec![plane(1.0), plane(0.5), plane(0.0)]
    }

    #[test]
    fn a_turn_and_its_opposite_lead_back() {
        let planes = slope();
        let back = rotate(&rotate(&planes, 15.0), -15.0);
        let (dx, dy) = ((back[0].width() - 200) / 2, (back[0].height() - 120) / 2);
        for (x, y) in [(40, 40), (100, 60), (160, 90)] {
            let (got, want) = (back[0].at(x + dx, y + dy), planes[0].at(x, y));
            assert!((got - want).abs() < 2.0, "{x},{y}: {got} {want}");
        }
    }

    #[test]
    fn corners_go_where_they_are_sent() {
        let size = Size { width: 200, height: 100 };
        let map = projection(size, [[0.1, 0.2], [0.05, 0.0], [0.0, 0.1], [0.02, 0.03]]);
        for (at, want) in
            [((20.0, 20.0), (0.0, 0.0)), ((190.0, 0.0), (200.0, 0.0)), ((200.0, 90.0), (200.0, 100.0))]
        {
            let (u, v) = map(at.0, at.1);
            assert!((u - want.0).abs() < 1e-6 && (v - want.1).abs() < 1e-6, "{at:?}: {u} {v}");
        }
    }

    #[test]
    fn canvases_have_their_sizes() {
        let mut dice = fastrand::Rng::with_seed(1);
        let planes = slope();
        let size = |planes: Planes| (planes[0].width(), planes[0].height());
        assert_eq!(size(crop(&planes, 0.25, &mut dice)), (100, 60));
        assert_eq!(size(letterbox(&planes)), (200, 200));
        assert_eq!(size(shear(&planes, 0.1)), (212, 120));
        assert_eq!(letterbox(&planes)[0].at(3, 3), 0.0);
        let moved = shift(&planes, 0.075);
        assert_eq!((moved[0].at(0, 0), moved[2].at(15, 9)), (255.0, planes[2].at(0, 0)));
        let (w, h) = size(drop_rows(&planes, 0.05, &mut dice));
        assert!(w < 200 && w > 170 && h < 120 && h > 100, "{w} {h}");
    }
}

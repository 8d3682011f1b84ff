// SPDX-License-Identifier: MIT OR Apache-2.0
//! A ring of cells drawn along the edge of a rectangle.

/// The places of `count` cells on the edge of a rectangle of `width` × `height`
/// cells, clockwise from the top left corner; `None` when they don't fit.
pub(crate) fn around(count: usize, width: usize, height: usize) -> Option<Vec<(usize, usize)>> {
    let (width, height) = rectangle(count, width, height)?;
    if height == 1 {
        return Some((0..count).map(|x| (x, 0)).collect());
    }
    let top = (0..width).map(|x| (x, 0));
    let right = (1..height - 1).map(|y| (width - 1, y));
    let bottom = (0..width).rev().map(|x| (x, height - 1));
    let left = (1..height - 1).rev().map(|y| (0, y));
    let edge = top.chain(right).chain(bottom).chain(left);
    Some(edge.take(count).collect())
}

/// The rectangle within `width` × `height` whose edge has `count` cells or a
/// few more, as near to the shape of the space as can be.
fn rectangle(count: usize, width: usize, height: usize) -> Option<(usize, usize)> {
    if count == 0 || width == 0 || height == 0 {
        return None;
    }
    if count < 4 || height == 1 {
        return (count <= width).then_some((count, 1));
    }
    let candidates = (2..=height).filter_map(|tall| {
        let sides = 2 * (tall - 2);
        let wide = count.saturating_sub(sides).div_ceil(2).max(2);
        let spare = 2 * wide + sides - count;
        (wide <= width && spare <= 1).then_some((wide, tall, spare))
    });
    // As wide as the space in proportion, and without a gap if possible.
    candidates
        .min_by_key(|(wide, tall, spare)| (wide * height).abs_diff(tall * width) * 4 + spare)
        .map(|(wide, tall, _)| (wide, tall))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cells_of_a_ring_touch_each_other_all_the_way_round() {
        for count in [4, 6, 10, 20, 31, 40] {
            let cells = around(count, 12, 10).unwrap();
            assert_eq!(cells.len(), count);
            for pair in cells.windows(2) {
                let step = pair[0].0.abs_diff(pair[1].0) + pair[0].1.abs_diff(pair[1].1);
                assert_eq!(step, 1, "{count}: {pair:?}");
            }
            let (first, last) = (cells[0], cells[count - 1]);
            let gap = first.0.abs_diff(last.0) + first.1.abs_diff(last.1);
            assert!(gap <= 1 + count % 2, "{count}: closes with {gap}");
        }
    }

    #[test]
    fn what_does_not_fit_around_the_edge_is_refused() {
        assert!(around(41, 12, 10).is_none());
        assert!(around(0, 12, 10).is_none());
        assert!(around(5, 0, 10).is_none());
        assert_eq!(around(1, 1, 1), Some(vec![(0, 0)]));
        assert_eq!(around(3, 3, 9), Some(vec![(0, 0), (1, 0), (2, 0)]));
    }
}

//! Plain text in columns that line up.

/// A line for each row, with two spaces between cells and none at its end. Columns are as wide as what
/// they hold; those that `is_number` names lean right.
pub fn aligned(rows: &[Vec<String>], is_number: impl Fn(usize) -> bool) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(column, (cell, &width))| match is_number(column) {
            true => format!("{cell:>width$}"),
            false => format!("{cell:<width$}"),
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lean_left_and_numbers_right() {
        let rows = [["kind", "fired"], ["oom", "7"], ["latency", "12"]]
            .map(|row| row.map(str::to_owned).to_vec());
        let lines = aligned(&rows, |column| column == 1);
        assert_eq!(
            lines,
            ["kind     fired", "oom          7", "latency     12"]
        );
    }
}

//! Two lists of lines side by side.

/// More lines than this are compared in place instead of aligned.
const MOST_ALIGNED: usize = 500;

/// One row of the comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// Both sides have the line.
    Same(String),
    /// The lines differ; each is split where the difference begins.
    Changed { left: (String, String), right: (String, String) },
    /// Only the left side has it.
    Left(String),
    /// Only the right side has it.
    Right(String),
}

impl Row {
    /// Whether the sides differ.
    pub(super) fn differs(&self) -> bool {
        !matches!(self, Self::Same(_))
    }
}

/// Aligns two lists; lines of the same member stand beside each other.
pub(super) fn rows(left: &[String], right: &[String]) -> Vec<Row> {
    let mut rows = Vec::new();
    let (mut removed, mut added) = (Vec::new(), Vec::new());
    for edit in edits(left, right) {
        match edit {
            Edit::Left(line) => removed.push(line),
            Edit::Right(line) => added.push(line),
            Edit::Both(line) => {
                flush(&mut rows, &mut removed, &mut added);
                rows.push(Row::Same(line.to_owned()));
            }
        }
    }
    flush(&mut rows, &mut removed, &mut added);
    rows
}

enum Edit<'l> {
    Both(&'l str),
    Left(&'l str),
    Right(&'l str),
}

/// The longest common subsequence, with what is left over on each side in between.
fn edits<'l>(left: &'l [String], right: &'l [String]) -> Vec<Edit<'l>> {
    if left.len() > MOST_ALIGNED || right.len() > MOST_ALIGNED {
        let both = left.iter().zip(right).flat_map(|(a, b)| {
            if a == b { vec![Edit::Both(a)] } else { vec![Edit::Left(a), Edit::Right(b)] }
        });
        let rest_left = left.iter().skip(right.len()).map(|line| Edit::Left(line));
        let rest_right = right.iter().skip(left.len()).map(|line| Edit::Right(line));
        return both.chain(rest_left).chain(rest_right).collect();
    }
    // lengths[i][j]: how many lines the rests from i and j have in common.
    let mut lengths = vec![vec![0_u32; right.len() + 1]; left.len() + 1];
    let at = |lengths: &[Vec<u32>], i: usize, j: usize| {
        lengths.get(i).and_then(|row| row.get(j)).copied().unwrap_or(0)
    };
    for (i, a) in left.iter().enumerate().rev() {
        for (j, b) in right.iter().enumerate().rev() {
            let best = if a == b {
                at(&lengths, i + 1, j + 1) + 1
            } else {
                at(&lengths, i + 1, j).max(at(&lengths, i, j + 1))
            };
            if let Some(cell) = lengths.get_mut(i).and_then(|row| row.get_mut(j)) {
                *cell = best;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut edits = Vec::new();
    loop {
        match (left.get(i), right.get(j)) {
            (Some(a), Some(b)) if a == b => {
                edits.push(Edit::Both(a));
                (i, j) = (i + 1, j + 1);
            }
            (Some(a), b) if b.is_none() || at(&lengths, i + 1, j) >= at(&lengths, i, j + 1) => {
                edits.push(Edit::Left(a));
                i += 1;
            }
            (_, Some(b)) => {
                edits.push(Edit::Right(b));
                j += 1;
            }
            _ => return edits,
        }
    }
}

/// What comes before the last colon: mostly the path of a pair.
fn path(line: &str) -> &str {
    line.rsplit_once(':').map_or(line, |(path, _)| path)
}

/// Puts the lines between two common ones into rows, those of the same member side by side.
fn flush(rows: &mut Vec<Row>, removed: &mut Vec<&str>, added: &mut Vec<&str>) {
    for left in removed.drain(..) {
        match added.iter().position(|right| path(right).eq_ignore_ascii_case(path(left))) {
            Some(position) => {
                let right = added.remove(position);
                rows.push(Row::Changed { left: split(left, right), right: split(right, left) });
            }
            None => rows.push(Row::Left(left.to_owned())),
        }
    }
    rows.extend(added.drain(..).map(|line| Row::Right(line.to_owned())));
}

/// A line in two, where it begins to differ from another.
fn split(line: &str, other: &str) -> (String, String) {
    let same = line.chars().zip(other.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    let (before, after) = line.split_at_checked(same).unwrap_or((line, ""));
    (before.to_owned(), after.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.split(';').map(str::to_owned).collect()
    }

    #[test]
    fn a_line_only_one_side_has_leaves_a_gap_on_the_other() {
        let found = rows(&lines("a:1;b:2;c:3"), &lines("a:1;c:3;d:4"));
        let expected = [
            Row::Same("a:1".into()),
            Row::Left("b:2".into()),
            Row::Same("c:3".into()),
            Row::Right("d:4".into()),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn another_text_of_the_same_member_stands_beside_it_split_where_it_differs() {
        let found = rows(&lines("a:1;sum:1000;z:9"), &lines("a:1;sum:1200;z:9"));
        let changed =
            Row::Changed { left: ("sum:1".into(), "000".into()), right: ("sum:1".into(), "200".into()) };
        assert_eq!(found, [Row::Same("a:1".into()), changed, Row::Same("z:9".into())]);
    }

    #[test]
    fn lists_too_long_to_align_are_compared_in_place() {
        let left: Vec<String> = (0..600).map(|n| format!("k{n}:1")).collect();
        let mut right = left.clone();
        right[599] = "k599:2".into();
        let found = rows(&left, &right);
        assert_eq!((found.len(), found.iter().filter(|row| row.differs()).count()), (600, 1));
    }
}

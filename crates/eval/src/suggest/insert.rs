//! Suggestions put into a suite file, at the end of each scenario's `assert`; the rest of the file stays as it is.

use crate::suite::scenario_places;

use super::Suggestion;

/// The suite's text with what is suggested for each scenario, by name, added to it.
///
/// # Errors
/// When the file cannot be read, has no such scenario, or writes a scenario's `assert` in one line.
pub fn suggest_into(suite: &str, suggestions: &[(String, Suggestion)]) -> Result<String, String> {
    let lines: Vec<&str> = suite.lines().collect();
    let places = scenario_places(suite)?;
    let mut additions: Vec<(usize, String)> = Vec::new();
    for (name, suggestion) in suggestions {
        let first = places.iter().find(|(scenario, _)| scenario == name).map(|(_, line)| *line);
        let first = first.ok_or_else(|| format!("it has no scenario `{name}` with assertions"))?;
        let start = lines.get(first).copied().unwrap_or_default();
        let indent = &start[..start.len() - start.trim_start().len()];
        if !start.trim_start().starts_with("- ") {
            return Err(format!("`assert` of `{name}` stands in one line; write it as a list with `- `"));
        }
        let stays = |line: &&str| {
            let depth = line.len() - line.trim_start().len();
            let item = line.trim_start().starts_with("- ");
            line.trim().is_empty() || depth > indent.len() || (depth == indent.len() && item)
        };
        let after = first + lines[first..].iter().take_while(|line| stays(line)).count();
        // Blank lines part scenarios: they stay below what is added.
        let blank = lines[first..after].iter().rev().take_while(|line| line.trim().is_empty()).count();
        let head = format!("{indent}# suggested from {} traces:\n", suggestion.traces);
        additions.push((after - blank, head + &suggestion.items(indent)));
    }
    let mut text = String::new();
    for at in 0..=lines.len() {
        for (_, addition) in additions.iter().filter(|(line, _)| *line == at) {
            text += addition;
        }
        if let Some(line) = lines.get(at) {
            text += line;
            text.push('\n');
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_stand_at_the_end_of_their_scenario() {
        let suite = "suite: s\nscenarios:\n  - name: a\n    assert:\n      - status: 200\n      - text:\n          contains: x\n\n  - name: b\n    assert:\n      - status: 404\n";
        let suggestion = |line: &str| Suggestion { lines: vec![line.to_owned()], left_out: 0, traces: 3 };
        let both = [("a".to_owned(), suggestion("one")), ("b".to_owned(), suggestion("two"))];
        insta::assert_snapshot!(suggest_into(suite, &both).expect("inserted"), @r"
        suite: s
        scenarios:
          - name: a
            assert:
              - status: 200
              - text:
                  contains: x
              # suggested from 3 traces:
              - one

          - name: b
            assert:
              - status: 404
              # suggested from 3 traces:
              - two
        ");
        assert!(suggest_into(suite, &[("c".to_owned(), suggestion("x"))]).is_err());
        assert!(suggest_into("suite: s\nscenarios: [{ name: a, assert: [{ status: 200 }] }]\n", &both[..1]).is_err());
    }
}

//! How services look: a palette slot and two letters, given once and kept, so that a service looks the same on every
//! page, in every run.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use wire::ServiceStyle;

use crate::limits::STYLES_MAX;
use crate::parts::Settings;

/// Slots before they repeat: eight hues plain, hatched and dotted.
const SLOTS: usize = 24;

/// The name under which they are kept.
const SETTING: &str = "service-styles";

/// The look of every service seen.
#[derive(Debug)]
pub struct Styles {
    settings: Box<dyn Settings>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    by_name: HashMap<String, ServiceStyle>,
    monograms: HashSet<String>,
}

impl Styles {
    /// Reads those kept; what cannot be read is given anew.
    #[must_use]
    pub fn open(settings: Box<dyn Settings>) -> Self {
        let kept: Vec<ServiceStyle> =
            settings.read(SETTING).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let mut known = Known::default();
        for style in kept.into_iter().take(STYLES_MAX) {
            known.monograms.insert(style.monogram.clone());
            known.by_name.insert(style.name.clone(), style);
        }
        Self { settings, known: Mutex::new(known) }
    }

    /// The look of one service.
    pub fn of(&self, service: &str) -> ServiceStyle {
        self.of_each([service]).pop().unwrap_or_else(|| ServiceStyle {
            name: service.to_owned(),
            slot: 0,
            monogram: "??".to_owned(),
        })
    }

    /// The looks of these services, each once, by name.
    pub fn of_all<'a>(&self, services: impl IntoIterator<Item = &'a str>) -> Vec<ServiceStyle> {
        let mut names: Vec<&str> = services.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        self.of_each(names)
    }

    /// The looks of these services, one for each, in their order. New ones are kept in one go.
    pub fn of_each<'a>(&self, services: impl IntoIterator<Item = &'a str>) -> Vec<ServiceStyle> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.by_name.len();
        let styles = services.into_iter().map(|name| known.style(name)).collect();
        if known.by_name.len() > before {
            self.keep(&known);
        }
        styles
    }

    /// Every look given so far, by name.
    pub fn all(&self) -> Vec<ServiceStyle> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.sorted()
    }

    fn keep(&self, known: &Known) {
        if let Ok(text) = serde_json::to_string(&known.sorted()) {
            // Looks that could not be kept are given again after a restart; nothing else depends on them.
            let _ = self.settings.write(SETTING, &text);
        }
    }
}

impl Known {
    fn sorted(&self) -> Vec<ServiceStyle> {
        let mut styles: Vec<ServiceStyle> = self.by_name.values().cloned().collect();
        styles.sort_by(|a, b| a.name.cmp(&b.name));
        styles
    }

    fn style(&mut self, name: &str) -> ServiceStyle {
        if let Some(style) = self.by_name.get(name) {
            return style.clone();
        }
        let monogram = self.free_monogram(name);
        let style = ServiceStyle { name: name.to_owned(), slot: (self.by_name.len() % SLOTS) as u8, monogram };
        if self.by_name.len() < STYLES_MAX {
            self.monograms.insert(style.monogram.clone());
            self.by_name.insert(name.to_owned(), style.clone());
        }
        style
    }

    /// The initials of its words, else its first letter with each of the others, else letters that nobody has.
    fn free_monogram(&self, name: &str) -> String {
        let letters: Vec<char> =
            name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
        let words: Vec<char> = name
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter_map(|word| word.chars().next())
            .map(|c| c.to_ascii_uppercase())
            .collect();
        let initials = (words.len() > 1).then(|| words[..2].iter().collect::<String>());
        let first = letters.first().copied().unwrap_or('X');
        let own = letters.iter().skip(1).map(|&second| format!("{first}{second}"));
        let any = |first: char| ('A'..='Z').chain('0'..='9').map(move |second| format!("{first}{second}"));
        initials
            .into_iter()
            .chain(own)
            .chain(any(first))
            .chain(('A'..='Z').flat_map(any))
            .find(|monogram| !self.monograms.contains(monogram))
            // More services than pairs of letters: the pair is no longer unique, the name beside it still is.
            .unwrap_or_else(|| format!("{first}{first}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::MemorySettings;

    #[test]
    fn looks_are_unique_and_stay() {
        let settings = MemorySettings::default();
        let styles = Styles::open(Box::new(settings.clone()));
        let demo = ["gateway", "auth", "orchestrator", "search", "vector-db", "rag", "llm", "cache"];
        let looks: Vec<ServiceStyle> = demo.iter().map(|name| styles.of(name)).collect();
        let slots: HashSet<u8> = looks.iter().map(|look| look.slot).collect();
        assert_eq!(slots.len(), 8);
        assert_eq!(looks[4].monogram, "VD");
        assert_eq!(styles.of("search-service").monogram, "SS");
        assert_eq!(styles.of("sea").monogram, "SA", "SE is taken by search");
        let reopened = Styles::open(Box::new(settings));
        assert_eq!(reopened.all(), styles.all());
        assert_eq!(reopened.of("gateway"), looks[0]);
    }

    #[test]
    fn any_number_of_services_has_a_look() {
        let styles = Styles::open(Box::new(MemorySettings::default()));
        let monograms: HashSet<String> = (0..900).map(|n| styles.of(&format!("s{n}")).monogram).collect();
        assert!(monograms.len() > 850, "{}", monograms.len());
        assert_eq!(styles.of("").monogram.len(), 2);
        assert_eq!(styles.of("日本").monogram.len(), 2);
    }
}

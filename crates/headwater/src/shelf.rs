//! Small texts in the data folder: the looks of services, runs of evaluations, what was learned about exporters.

use std::sync::Arc;

use store::EmbeddedStore;

/// Texts on one of the store's two shelves. What the disk refuses is told on standard error as well as to whoever wanted
/// to keep it.
#[derive(Clone, Debug)]
pub struct Shelf {
    store: Arc<EmbeddedStore>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Settings,
    Runs,
}

impl Shelf {
    pub fn settings(store: &Arc<EmbeddedStore>) -> Self {
        Self { store: Arc::clone(store), kind: Kind::Settings }
    }

    pub fn runs(store: &Arc<EmbeddedStore>) -> Self {
        Self { store: Arc::clone(store), kind: Kind::Runs }
    }

    fn value(&self, name: &str) -> Option<String> {
        let value = match self.kind {
            Kind::Settings => self.store.setting(name),
            Kind::Runs => self.store.run(name),
        };
        told(value).ok()?.and_then(|bytes| String::from_utf8(bytes).ok())
    }

    fn put(&self, name: &str, text: &str) -> Result<(), String> {
        told(match self.kind {
            Kind::Settings => self.store.put_setting(name, text.as_bytes()),
            Kind::Runs => self.store.put_run(name, text.as_bytes()),
        })
    }
}

fn told<T>(result: Result<T, store::StoreError>) -> Result<T, String> {
    result.map_err(|error| {
        eprintln!("headwater: {error}");
        error.to_string()
    })
}

impl api::Settings for Shelf {
    fn read(&self, name: &str) -> Option<String> {
        self.value(name)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), String> {
        self.put(name, text)
    }

    fn remove(&self, name: &str) {
        // What stays on the shelf is read again at the next start, and removed again.
        let _ = told(match self.kind {
            Kind::Settings => self.store.remove_setting(name),
            Kind::Runs => self.store.remove_run(name),
        });
    }

    fn names(&self, prefix: &str) -> Vec<String> {
        let names = match self.kind {
            Kind::Settings => self.store.settings(),
            Kind::Runs => self.store.runs(),
        };
        told(names).unwrap_or_default().into_iter().filter(|name| name.starts_with(prefix)).collect()
    }
}

impl eval::Settings for Shelf {
    fn read(&self, name: &str) -> Option<String> {
        self.value(name)
    }

    fn write(&self, name: &str, text: &str) {
        // What the runner learned or cached is learned again; the operator was told.
        let _ = self.put(name, text);
    }
}

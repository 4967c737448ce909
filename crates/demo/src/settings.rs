//! What a service reads from its environment.

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Where a real model is asked.
#[derive(Clone)]
pub(crate) struct Provider {
    /// Up to and including the version, without a slash at the end.
    pub url: String,
    pub key: String,
}

/// Looks a variable up; empty counts as unset.
#[derive(Clone)]
pub(crate) struct Settings {
    lookup: std::sync::Arc<Lookup>,
}

impl Settings {
    pub fn new(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { lookup: std::sync::Arc::new(lookup) }
    }

    pub fn text(&self, name: &str) -> Option<String> {
        (self.lookup)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    pub fn or(&self, name: &str, default: &str) -> String {
        self.text(name).unwrap_or_else(|| default.to_owned())
    }

    /// The address of a service this one calls.
    pub fn url(&self, name: &str) -> Result<String, String> {
        let url = self.text(name).ok_or_else(|| format!("{name} is not set: it names the service to call"))?;
        Ok(url.trim_end_matches('/').to_owned())
    }

    /// The OpenAI-compatible provider, where there is a key for one.
    pub fn provider(&self) -> Option<Provider> {
        let url = self.or("OPENAI_BASE_URL", "https://api.openai.com/v1").trim_end_matches('/').to_owned();
        self.text("OPENAI_API_KEY").map(|key| Provider { url, key })
    }

    pub fn is_on(&self, name: &str) -> bool {
        self.text(name).is_some_and(|value| matches!(value.as_str(), "on" | "true" | "1"))
    }
}

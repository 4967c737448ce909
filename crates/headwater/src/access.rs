//! The stored traces: through the server that owns the data folder, or, if none does, through one that this process starts
//! on free ports for as long as the command runs. Either way commands speak to one API.

use std::path::PathBuf;

use client::{Client, TraceQuery};
use model::{Trace, TraceId};
use wire::{TraceClocks, TraceList, TraceRow};

use crate::cli::{DataArg, StoredArgs};
use crate::data_folder;
use crate::exit::{ExitCode, Failure};
use crate::server::{Server, ServerOptions};

/// A way to the stored traces.
pub struct Access {
    pub client: Client,
    own: Option<Server>,
}

/// A page of a list.
const PAGE: usize = 200;

impl Access {
    /// As the command line says.
    pub async fn at(stored: &StoredArgs) -> Result<Self, Failure> {
        Self::open(&stored.data, stored.server.as_deref()).await
    }

    /// Through the server at `server`, else the owner of the folder, else our own.
    pub async fn open(data: &DataArg, server: Option<&str>) -> Result<Self, Failure> {
        // A second installation fails harmlessly.
        let _ = rustls::crypto::ring::default_provider().install_default();
        if let Some(server) = server {
            return Ok(Self { client: connect(server).await?, own: None });
        }
        let folder = resolve(data)?;
        if let Some(owner) = owner_of(&folder)? {
            return Ok(Self { client: connect(&owner).await?, own: None });
        }
        let own = Server::start(ServerOptions::quiet(&folder)).await?;
        report_damage(&own);
        Ok(Self { client: connect(&own.page_url()).await?, own: Some(own) })
    }

    /// Whether the server was started for this command only.
    pub fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Ends our own server, if there is one.
    pub async fn close(self) {
        if let Some(own) = self.own {
            own.stop(|text| eprintln!("headwater: {text}")).await;
        }
    }

    /// Runs `work` and closes, whatever came of it.
    pub async fn with<T>(self, work: impl AsyncFnOnce(&Self) -> Result<T, Failure>) -> Result<T, Failure> {
        let result = work(&self).await;
        self.close().await;
        result
    }

    /// One page of traces.
    pub async fn list(&self, query: &TraceQuery) -> Result<TraceList, Failure> {
        self.client.traces(query).await.map_err(refused)
    }

    /// One page of traces with the spans that were found.
    pub async fn search(&self, query: &TraceQuery, spans: usize) -> Result<wire::SearchList, Failure> {
        self.client.search(query, spans).await.map_err(refused)
    }

    /// Series of numbers over time.
    pub async fn series(&self, query: &client::SeriesQuery) -> Result<wire::SeriesList, Failure> {
        self.client.series(query).await.map_err(refused)
    }

    /// The trace's id from its text: all 32 digits, or the first few if they say which.
    pub async fn id(&self, text: &str) -> Result<TraceId, Failure> {
        if let Ok(id) = text.parse() {
            return Ok(id);
        }
        let digits = text.to_ascii_lowercase();
        if digits.is_empty() || digits.len() > 32 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(Failure::usage(format!("{text:?} is no trace id: 32 hex digits, or the first few of them")));
        }
        let query = TraceQuery {
            query: Some(format!("{{ trace:id =~ \"{digits}.*\" }}")),
            limit: Some(2),
            ..TraceQuery::default()
        };
        let found = self.list(&query).await?.traces;
        match found.as_slice() {
            [one] => one.trace_id.parse().map_err(|_| Failure::infrastructure("the server answered with no trace id")),
            [] => Err(nothing(&format!("no stored trace begins with {digits}"))),
            _ => Err(Failure::usage(format!("several traces begin with {digits}: give more digits"))),
        }
    }

    /// A trace in full.
    pub async fn trace(&self, id: TraceId) -> Result<Trace, Failure> {
        let found = self.client.trace(id).await.map_err(refused)?;
        found.ok_or_else(|| no_trace(id))
    }

    /// A trace with the proven offsets of its hosts' clocks taken out, and what is known of the clocks.
    pub async fn trace_adjusted(&self, id: TraceId) -> Result<(Trace, TraceClocks), Failure> {
        let trace = self.client.trace_adjusted(id).await.map_err(refused)?.ok_or_else(|| no_trace(id))?;
        let clocks = self.client.trace_clocks(id).await.map_err(refused)?.ok_or_else(|| no_trace(id))?;
        Ok((trace, clocks))
    }

    /// Every trace that a query finds, newest first, page by page. What the server could not look at is told.
    pub async fn each(
        &self,
        query: &TraceQuery,
        mut take: impl AsyncFnMut(&TraceRow) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let mut count = 0;
        let mut query = TraceQuery { limit: Some(PAGE), ..query.clone() };
        let mut told = std::collections::BTreeSet::new();
        loop {
            let page = self.list(&query).await?;
            for reason in page.completeness.reasons {
                if !told.contains(&reason) {
                    eprintln!("headwater: not all traces were looked at: {reason}");
                    told.insert(reason);
                }
            }
            for row in &page.traces {
                take(row).await?;
                count += 1;
            }
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                return Ok(count);
            }
        }
    }
}

/// The folder that a command works on.
pub fn resolve(data: &DataArg) -> Result<PathBuf, Failure> {
    data_folder::resolve(data.data.clone()).map_err(Failure::usage)
}

/// The address of the server that owns `folder`, if one runs.
pub fn owner_of(folder: &std::path::Path) -> Result<Option<String>, Failure> {
    let holder = store::lock_holder(folder).map_err(|error| Failure::infrastructure(error.to_string()))?;
    Ok(holder
        .map(|holder| holder.address)
        .filter(|address| address.contains(':'))
        .map(|address| format!("http://{address}")))
}

pub async fn connect(address: &str) -> Result<Client, Failure> {
    // A second installation fails harmlessly.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let token = std::env::var("HEADWATER_TOKEN").ok().filter(|token| !token.is_empty());
    let client = Client::new(address, token.as_deref()).map_err(|error| Failure::usage(error.to_string()))?;
    client.info().await.map_err(refused)?;
    Ok(client)
}

/// What the server would not do, as a failure.
pub fn refused(error: client::ClientError) -> Failure {
    let text = error.to_string();
    if matches!(error, client::ClientError::Refused { .. }) {
        Failure::usage(text)
    } else {
        Failure::infrastructure(text)
    }
}

/// The exit code where nothing is there, so that scripts can tell it from a mistake.
pub const NOTHING: ExitCode = ExitCode(1);

fn no_trace(id: TraceId) -> Failure {
    nothing(&format!("there is no trace {id} here: it was not received, or is past retention"))
}

/// Nothing there.
pub fn nothing(text: &str) -> Failure {
    Failure { message: text.to_owned(), code: NOTHING }
}

/// Tells what was found wrong when the folder was opened.
pub fn report_damage(server: &Server) {
    let found = &server.found;
    if let Some(reason) = &found.catalog_rebuilt {
        eprintln!("headwater: the catalog was made anew from the segments: {reason}");
    }
    for (file, problem) in &found.damaged_segments {
        eprintln!("headwater: {file} cannot be read and is left out: {problem} (`headwater store verify`)");
    }
    if found.journal.damaged_places > 0 {
        eprintln!(
            "headwater: the journal is damaged in {} places; what could be read was kept",
            found.journal.damaged_places
        );
    }
    if let Some(reason) = &found.first_undecodable {
        eprintln!("headwater: {} journaled bodies cannot be decoded: {reason}", found.records_undecodable);
    }
}

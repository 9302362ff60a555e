//! `bob-auth entity`: the clients of a participant.

use clap::{ArgGroup, Args, Subcommand};
use serde::Serialize;

use super::error::CliError;
use super::output::{Answer, Table, facts, list, or_dash};
use super::session::{Global, Session};
use super::words;
use crate::store::{self, EntityFilter, EntityPatch, EntityState};
use crate::value::{Class, EntityId, Lifetime};

#[derive(Debug, Subcommand)]
pub(super) enum Entity {
    /// Add an entity
    #[command(after_help = "Example:\n  bob-auth entity add validator37 --class val --email depot@example.se")]
    Add(Add),
    /// List entities by id
    #[command(after_help = "Example:\n  bob-auth entity list --class val --state active")]
    List(List),
    /// Show one entity
    #[command(after_help = "Example:\n  bob-auth entity show validator37")]
    Show(Which),
    /// Change an entity; what is not named stays
    #[command(after_help = "Example:\n  bob-auth entity set validator37 --lifetime 2h --no-email")]
    Set(Set),
    /// Give an entity no tokens until it is resumed
    #[command(after_help = "Example:\n  bob-auth entity suspend validator37")]
    Suspend(Which),
    /// Give a suspended entity tokens again
    #[command(after_help = "Example:\n  bob-auth entity resume validator37")]
    Resume(Which),
    /// Remove an entity; its certificates are revoked for ever
    #[command(after_help = "Example:\n  bob-auth entity remove validator37")]
    Remove(Which),
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// The entity
    #[arg(value_name = "ID")]
    id: EntityId,
}

#[derive(Debug, Args)]
pub(super) struct Add {
    /// Its id, unique inside the participant
    #[arg(value_name = "ID")]
    id: EntityId,
    /// What its tokens say in bobAuthZ: val, ins, tvm, pos, or an agreed one
    #[arg(long, value_name = "CLASS")]
    class: Class,
    /// How long its tokens live, for example 2h [default: as the configuration says]
    #[arg(long, value_name = "DURATION", value_parser = words::lifetime)]
    lifetime: Option<Lifetime>,
    /// Whom to write to about it
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Its name in another system
    #[arg(long, value_name = "TEXT")]
    external_id: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Only of this class
    #[arg(long, value_name = "CLASS")]
    class: Option<Class>,
    /// Only active or only suspended ones
    #[arg(long, value_name = "active|suspended")]
    state: Option<EntityState>,
    /// Only with this text in the id
    #[arg(long, value_name = "TEXT")]
    contains: Option<String>,
    /// Only with this e-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Only with this external id
    #[arg(long, value_name = "TEXT")]
    external_id: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// Go on after this id
    #[arg(long, value_name = "ID")]
    after: Option<EntityId>,
}

#[derive(Debug, Args)]
#[command(override_usage = "bob-auth entity set [OPTIONS] <ID>")]
#[command(group(ArgGroup::new("change").required(true).multiple(true)))]
pub(super) struct Set {
    /// The entity
    #[arg(value_name = "ID")]
    id: EntityId,
    /// What its tokens say in bobAuthZ
    #[arg(long, value_name = "CLASS", group = "change")]
    class: Option<Class>,
    /// How long its tokens live
    #[arg(long, value_name = "DURATION", value_parser = words::lifetime, group = "change")]
    lifetime: Option<Lifetime>,
    /// As the configuration says
    #[arg(long, conflicts_with = "lifetime", group = "change")]
    no_lifetime: bool,
    /// Whom to write to about it
    #[arg(long, value_name = "ADDRESS", group = "change")]
    email: Option<String>,
    /// Nobody to write to
    #[arg(long, conflicts_with = "email", group = "change")]
    no_email: bool,
    /// Its name in another system
    #[arg(long, value_name = "TEXT", group = "change")]
    external_id: Option<String>,
    /// No name in another system
    #[arg(long, conflicts_with = "external_id", group = "change")]
    no_external_id: bool,
}

#[derive(Debug, Serialize)]
struct View {
    pid: i64,
    id: String,
    class: String,
    lifetime_seconds: Option<u32>,
    email: Option<String>,
    external_id: Option<String>,
    state: &'static str,
    created: String,
    changed: String,
}

impl Entity {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        let session = Session::open(global).await?;
        let Session { store, change, pid, .. } = &session;
        match self {
            Self::Add(add) => {
                let added = store.add_entity(&add.entity(&session), change).await?;
                let note = format!(
                    "it has no certificate yet: `bob-auth cert issue {0}` or `bob-auth cert enrol {0} FILE`",
                    added.id
                );
                Ok(show("added", &added)?.note(note))
            }
            Self::List(list) => list.run(&session).await,
            Self::Show(Which { id }) => show("", &store.entity(*pid, &id).await?),
            Self::Set(set) => {
                let id = set.id.clone();
                show("changed", &store.set_entity(*pid, &id, &set.patch(), change).await?)
            }
            Self::Suspend(Which { id }) => show("suspended", &store.suspend_entity(*pid, &id, change).await?),
            Self::Resume(Which { id }) => show("resumed", &store.resume_entity(*pid, &id, change).await?),
            Self::Remove(Which { id }) => {
                let entity = store.entity(*pid, &id).await?;
                let revoked = store.remove_entity(*pid, &id, change).await?;
                Ok(show("removed", &entity)?.note(format!("certificates revoked with it: {revoked}")))
            }
        }
    }
}

impl Add {
    fn entity(self, session: &Session) -> store::Entity {
        store::Entity {
            pid: session.pid,
            id: self.id,
            class: self.class,
            lifetime: self.lifetime,
            email: self.email,
            external_id: self.external_id,
            state: EntityState::Active,
            created: session.now(),
            changed: session.now(),
        }
    }
}

impl List {
    async fn run(self, session: &Session) -> Result<Answer, CliError> {
        let filter = EntityFilter {
            class: self.class,
            state: self.state,
            id_contains: self.contains,
            email: self.email,
            external_id: self.external_id,
        };
        let page = session.store.entities(session.pid, &filter, self.after.as_ref(), self.limit).await?;
        let mut table = Table::new(&["ID", "CLASS", "STATE", "LIFETIME", "CHANGED", "E-MAIL"]);
        for entity in &page.items {
            let changed = entity.changed.to_string();
            let changed = changed.get(..10).unwrap_or(&changed);
            let lifetime = or_dash(entity.lifetime.as_ref());
            table.row(&[
                &entity.id,
                &entity.class,
                &entity.state,
                &lifetime,
                &changed,
                &or_dash(entity.email.as_ref()),
            ]);
        }
        let next = page.next.map(|id| id.to_string());
        list(&table, page.items.iter().map(view).collect(), next, "--after")
    }
}

impl Set {
    fn patch(self) -> EntityPatch {
        #[expect(clippy::option_option, reason = "outside: whether to change it; inside: whether there is one")]
        fn field<T>(value: Option<T>, none: bool) -> Option<Option<T>> {
            if none { Some(None) } else { value.map(Some) }
        }
        EntityPatch {
            class: self.class,
            lifetime: field(self.lifetime, self.no_lifetime),
            email: field(self.email, self.no_email),
            external_id: field(self.external_id, self.no_external_id),
        }
    }
}

fn view(entity: &store::Entity) -> View {
    View {
        pid: entity.pid.get(),
        id: entity.id.to_string(),
        class: entity.class.to_string(),
        lifetime_seconds: entity.lifetime.map(Lifetime::as_seconds),
        email: entity.email.clone(),
        external_id: entity.external_id.clone(),
        state: entity.state.as_str(),
        created: entity.created.to_string(),
        changed: entity.changed.to_string(),
    }
}

fn show(done: &str, entity: &store::Entity) -> Result<Answer, CliError> {
    let view = view(entity);
    let head = if done.is_empty() { String::new() } else { format!("{done} {}\n", view.id) };
    let class = match entity.class.description() {
        Some(description) => format!("{} ({description})", view.class),
        None => view.class.clone(),
    };
    let body = facts(&[
        ("entity", Some(view.id.clone())),
        ("participant", Some(view.pid.to_string())),
        ("class", Some(class)),
        ("state", Some(view.state.to_owned())),
        ("lifetime", entity.lifetime.map(|lifetime| words::in_words(i64::from(lifetime.as_seconds())))),
        ("e-mail", view.email.clone()),
        ("external id", view.external_id.clone()),
        ("created", Some(view.created.clone())),
        ("changed", Some(view.changed.clone())),
    ]);
    Answer::new(head + &body, &view)
}

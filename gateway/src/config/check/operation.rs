//! The admin interface and reloads: what the types can't say of them.

use super::{Table, source};
use crate::config::bounds::{MAX_INSTANCES, MAX_STACK_KIB, MIN_STACK_KIB};
use crate::config::tree::Step;
use crate::config::{AdminConfig, Config, ConfigError, EngineConfig};

pub(super) fn check(config: &Config, root: &Table<'_>) -> Result<(), ConfigError> {
    let table = |key: &str| root.table(&[Step::Key(key.into())]);
    table("reload").above_zero("debounce_ms", Some(config.reload.debounce_ms))?;
    let engine = table("engine");
    let EngineConfig { instances, stack_kib } = config.engine;
    let instances = usize::try_from(instances).unwrap_or(usize::MAX);
    for (key, value, least, most) in [
        ("instances", instances, 1, MAX_INSTANCES),
        ("stack_kib", stack_kib, MIN_STACK_KIB, MAX_STACK_KIB),
    ] {
        if !(least..=most).contains(&value) {
            let problem = match value > most {
                true => format!("is above {most}, the most that there is address space for"),
                false => format!("has to be at least {least}"),
            };
            return Err(engine.refuse(key, problem));
        }
    }
    match &config.admin {
        Some(admin) => check_admin(admin, config, &table("admin")),
        None => Ok(()),
    }
}

fn check_admin(admin: &AdminConfig, config: &Config, table: &Table<'_>) -> Result<(), ConfigError> {
    if let Some(token) = &admin.token {
        let inner = table.table(&[Step::Key("token".into())]);
        source::check(None, token.env.as_ref(), token.file.as_ref(), &inner)?;
    } else if !admin.listen.ip().is_loopback() {
        let problem = format!(
            "is {}, which others than this machine can reach: say by `admin.token` where the token is that they have to \
             show, or use 127.0.0.1",
            admin.listen
        );
        return Err(table.refuse("listen", problem));
    }
    if admin.listen == config.listen && admin.listen.port() != 0 {
        return Err(table.refuse("listen", "is the address of `listen` itself: take another port"));
    }
    Ok(())
}

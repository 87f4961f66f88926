//! The admin interface and reloads: what the types can't say of them.

use super::{Table, source};
use crate::config::tree::Step;
use crate::config::{AdminConfig, Config, ConfigError};

pub(super) fn check(config: &Config, root: &Table<'_>) -> Result<(), ConfigError> {
    let table = |key: &str| root.table(&[Step::Key(key.into())]);
    table("reload").above_zero("debounce_ms", Some(config.reload.debounce_ms))?;
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

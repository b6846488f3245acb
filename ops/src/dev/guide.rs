//! The lines a newcomer pastes into another terminal.

/// Every request worth trying first, as curl lines.
pub fn text(worker: &str, redis: &str, token: &str) -> String {
    let lines = [
        (
            "Post a log",
            format!(
                r#"curl -s {worker}/log -H 'Content-Type: application/json' -d '{{"trace_id":"trace_demo","message":"hello","level":"info","system":"browser"}}'"#
            ),
        ),
        ("Read its trace", format!("curl -s '{worker}/logs?trace_id=trace_demo'")),
        ("The most recent traces", format!("curl -s '{worker}/traces/recent?limit=5'")),
        ("Health", format!("curl -s {worker}/health")),
        (
            "Take Redis away for 30 seconds: logs are still accepted, and reach it by themselves afterwards",
            format!(r#"curl -s {redis}/_local/away -H 'Authorization: Bearer {token}' -d '{{"ms":30000}}'"#),
        ),
        (
            "Let Redis answer 500 until told otherwise (the second line tells it)",
            format!(
                "curl -s {redis}/_local/faults -H 'Authorization: Bearer {token}' -d '{{\"kind\":\"status\",\"status\":500}}'\n\
                 curl -s -X DELETE {redis}/_local/faults -H 'Authorization: Bearer {token}'"
            ),
        ),
        (
            "What is in Redis",
            format!("curl -s {redis}/lrange/logs:trace_demo/0/-1 -H 'Authorization: Bearer {token}'"),
        ),
        (
            "How often Redis was asked",
            format!("curl -s {redis}/_local/stats -H 'Authorization: Bearer {token}'"),
        ),
        ("Clear every log", format!("curl -s -X DELETE {worker}/logs/clear")),
    ];
    lines.iter().map(|(what, line)| format!("# {what}\n{line}\n")).collect()
}

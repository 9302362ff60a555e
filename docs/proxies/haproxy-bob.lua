-- The action `lua.bob_verify` of haproxy.cfg: asks the verifier of bob-auth about a request. HAProxy has no forward
-- authentication of its own. `bob-auth proxy-config haproxy-lua` prints this file with another address.

local verifier = "127.0.0.1:9443" -- or "unix:/run/bob-auth/verify.sock"; inside the chroot, if there is one
local timeout_ms = 5000

local socket = verifier:match("^unix:(.+)$")
local url = "http://" .. (socket and "localhost" or verifier) .. "/verify"
local destination = socket and "unix@" .. socket

-- What the verifier says about the caller, for the service behind HAProxy. haproxy.cfg has deleted the client's own.
local answers = { "x-bob-pid", "x-bob-entity", "x-bob-class", "x-bob-expires", "x-bob-shadow-reason" }
-- What goes on to the client with a refusal.
local refusals = { "content-type", "cache-control", "www-authenticate", "x-bob-reason" }
-- What the verifier needs of the request; each value as often as it stands there, so that it sees doubles.
local questions = { "x-bob-authtoken", "x-ssl-client-sha1", "x-ssl-client-der", "x-forwarded-for" }

local function end_with(txn, status, headers, body)
    local reply = txn:reply({ status = status })
    for name, value in pairs(headers) do
        reply:add_header(name, value)
    end
    reply:set_body(body)
    txn:done(reply)
end

local function question(txn)
    local request = txn.http:req_get_headers()
    local headers = {
        ["x-original-method"] = { txn.sf:method() },
        ["x-original-uri"] = { txn.sf:pathq() },
    }
    for _, name in ipairs(questions) do
        local values = {}
        for index, value in pairs(request[name] or {}) do
            values[index + 1] = value -- HAProxy counts from 0
        end
        if #values > 0 then
            headers[name] = values
        end
    end
    return headers
end

core.register_action("bob_verify", { "http-req" }, function(txn)
    local asked, answer = pcall(function()
        return core.httpclient():get({ url = url, dst = destination, headers = question(txn), timeout = timeout_ms })
    end)
    local status = asked and answer and answer.status
    if status == 200 then
        for _, name in ipairs(answers) do
            local values = answer.headers and answer.headers[name]
            if values then
                txn.http:req_set_header(name, values[0])
            end
        end
    elseif status == 401 or status == 403 then
        local headers = {}
        for _, name in ipairs(refusals) do
            local values = answer.headers and answer.headers[name]
            if values then
                headers[name] = values[0]
            end
        end
        end_with(txn, status, headers, answer.body or "")
    else
        core.Alert("bob_verify: no verdict from " .. verifier .. ": " .. tostring(status or answer))
        end_with(txn, 503, { ["content-type"] = "text/plain" }, "The verifier cannot be asked.\n")
    end
end)

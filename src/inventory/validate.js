// Made from inventory/schema.json by `npm run generate`; do not edit.

// <stdin>
var validate = validate20;
var pattern4 = new RegExp("^[A-Za-z_][A-Za-z0-9_.-]*[$]?$", "u"), pattern5 = new RegExp("^[A-Za-z0-9_][A-Za-z0-9._-]*$", "u");
var pattern7 = new RegExp("^[a-z_][a-z0-9_-]*[$]?$", "u");
function validate22(data, { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {}) {
  let vErrors = null, errors = 0, evaluated0 = validate22.evaluated;
  if (evaluated0.dynamicProps && (evaluated0.props = void 0), evaluated0.dynamicItems && (evaluated0.items = void 0), data && typeof data == "object" && !Array.isArray(data)) {
    for (let key0 in data) {
      let _errs1 = errors;
      if (typeof key0 == "string") {
        if (!pattern7.test(key0)) {
          let err0 = { instancePath, schemaPath: "#/propertyNames/pattern", keyword: "pattern", params: { pattern: "^[a-z_][a-z0-9_-]*[$]?$" }, message: 'must match pattern "^[a-z_][a-z0-9_-]*[$]?$"', propertyName: key0 };
          vErrors === null ? vErrors = [err0] : vErrors.push(err0), errors++;
        }
      } else {
        let err1 = { instancePath, schemaPath: "#/propertyNames/type", keyword: "type", params: { type: "string" }, message: "must be string", propertyName: key0 };
        vErrors === null ? vErrors = [err1] : vErrors.push(err1), errors++;
      }
      var valid0 = _errs1 === errors;
      if (!valid0) {
        let err2 = { instancePath, schemaPath: "#/propertyNames", keyword: "propertyNames", params: { propertyName: key0 }, message: "property name must be valid" };
        vErrors === null ? vErrors = [err2] : vErrors.push(err2), errors++;
      }
    }
    for (let key1 in data) {
      let data0 = data[key1];
      if (data0 && typeof data0 == "object" && !Array.isArray(data0)) {
        for (let key2 in data0)
          if (!(key2 === "authorizedKeys" || key2 === "exclusive")) {
            let err3 = { instancePath: instancePath + "/" + key1.replace(/~/g, "~0").replace(/\//g, "~1"), schemaPath: "#/$defs/account/additionalProperties", keyword: "additionalProperties", params: { additionalProperty: key2 }, message: "must NOT have additional properties" };
            vErrors === null ? vErrors = [err3] : vErrors.push(err3), errors++;
          }
        if (data0.authorizedKeys !== void 0) {
          let data1 = data0.authorizedKeys;
          if (Array.isArray(data1)) {
            let len0 = data1.length;
            for (let i0 = 0; i0 < len0; i0++)
              if (typeof data1[i0] != "string") {
                let err4 = { instancePath: instancePath + "/" + key1.replace(/~/g, "~0").replace(/\//g, "~1") + "/authorizedKeys/" + i0, schemaPath: "#/$defs/account/properties/authorizedKeys/items/type", keyword: "type", params: { type: "string" }, message: "must be string" };
                vErrors === null ? vErrors = [err4] : vErrors.push(err4), errors++;
              }
          } else {
            let err5 = { instancePath: instancePath + "/" + key1.replace(/~/g, "~0").replace(/\//g, "~1") + "/authorizedKeys", schemaPath: "#/$defs/account/properties/authorizedKeys/type", keyword: "type", params: { type: "array" }, message: "must be array" };
            vErrors === null ? vErrors = [err5] : vErrors.push(err5), errors++;
          }
        }
        if (data0.exclusive !== void 0 && typeof data0.exclusive != "boolean") {
          let err6 = { instancePath: instancePath + "/" + key1.replace(/~/g, "~0").replace(/\//g, "~1") + "/exclusive", schemaPath: "#/$defs/account/properties/exclusive/type", keyword: "type", params: { type: "boolean" }, message: "must be boolean" };
          vErrors === null ? vErrors = [err6] : vErrors.push(err6), errors++;
        }
      } else {
        let err7 = { instancePath: instancePath + "/" + key1.replace(/~/g, "~0").replace(/\//g, "~1"), schemaPath: "#/$defs/account/type", keyword: "type", params: { type: "object" }, message: "must be object" };
        vErrors === null ? vErrors = [err7] : vErrors.push(err7), errors++;
      }
    }
  } else {
    let err8 = { instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" }, message: "must be object" };
    vErrors === null ? vErrors = [err8] : vErrors.push(err8), errors++;
  }
  return validate22.errors = vErrors, errors === 0;
}
validate22.evaluated = { props: !0, dynamicProps: !1, dynamicItems: !1 };
function validate24(data, { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {}) {
  let vErrors = null, errors = 0, evaluated0 = validate24.evaluated;
  if (evaluated0.dynamicProps && (evaluated0.props = void 0), evaluated0.dynamicItems && (evaluated0.items = void 0), data && typeof data == "object" && !Array.isArray(data)) {
    for (let key0 in data)
      if (!(key0 === "address" || key0 === "port")) {
        let err0 = { instancePath, schemaPath: "#/additionalProperties", keyword: "additionalProperties", params: { additionalProperty: key0 }, message: "must NOT have additional properties" };
        vErrors === null ? vErrors = [err0] : vErrors.push(err0), errors++;
      }
    if (data.address !== void 0 && typeof data.address != "string") {
      let err1 = { instancePath: instancePath + "/address", schemaPath: "#/properties/address/type", keyword: "type", params: { type: "string" }, message: "must be string" };
      vErrors === null ? vErrors = [err1] : vErrors.push(err1), errors++;
    }
    if (data.port !== void 0) {
      let data1 = data.port;
      if (!(typeof data1 == "number" && !(data1 % 1) && !isNaN(data1) && isFinite(data1))) {
        let err2 = { instancePath: instancePath + "/port", schemaPath: "#/$defs/port/type", keyword: "type", params: { type: "integer" }, message: "must be integer" };
        vErrors === null ? vErrors = [err2] : vErrors.push(err2), errors++;
      }
      if (typeof data1 == "number" && isFinite(data1)) {
        if (data1 > 65535 || isNaN(data1)) {
          let err3 = { instancePath: instancePath + "/port", schemaPath: "#/$defs/port/maximum", keyword: "maximum", params: { comparison: "<=", limit: 65535 }, message: "must be <= 65535" };
          vErrors === null ? vErrors = [err3] : vErrors.push(err3), errors++;
        }
        if (data1 < 1 || isNaN(data1)) {
          let err4 = { instancePath: instancePath + "/port", schemaPath: "#/$defs/port/minimum", keyword: "minimum", params: { comparison: ">=", limit: 1 }, message: "must be >= 1" };
          vErrors === null ? vErrors = [err4] : vErrors.push(err4), errors++;
        }
      }
    }
  } else {
    let err5 = { instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" }, message: "must be object" };
    vErrors === null ? vErrors = [err5] : vErrors.push(err5), errors++;
  }
  return validate24.errors = vErrors, errors === 0;
}
validate24.evaluated = { props: !0, dynamicProps: !1, dynamicItems: !1 };
function validate21(data, { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {}) {
  let vErrors = null, errors = 0, evaluated0 = validate21.evaluated;
  if (evaluated0.dynamicProps && (evaluated0.props = void 0), evaluated0.dynamicItems && (evaluated0.items = void 0), data && typeof data == "object" && !Array.isArray(data)) {
    for (let key0 in data)
      if (!(key0 === "address" || key0 === "port" || key0 === "hostKeys" || key0 === "login" || key0 === "accounts" || key0 === "dial" || key0 === "tunnelAccount")) {
        let err0 = { instancePath, schemaPath: "#/additionalProperties", keyword: "additionalProperties", params: { additionalProperty: key0 }, message: "must NOT have additional properties" };
        vErrors === null ? vErrors = [err0] : vErrors.push(err0), errors++;
      }
    if (data.address !== void 0 && typeof data.address != "string") {
      let err1 = { instancePath: instancePath + "/address", schemaPath: "#/$defs/address/type", keyword: "type", params: { type: "string" }, message: "must be string" };
      vErrors === null ? vErrors = [err1] : vErrors.push(err1), errors++;
    }
    if (data.port !== void 0) {
      let data1 = data.port;
      if (!(typeof data1 == "number" && !(data1 % 1) && !isNaN(data1) && isFinite(data1))) {
        let err2 = { instancePath: instancePath + "/port", schemaPath: "#/$defs/sshPort/type", keyword: "type", params: { type: "integer" }, message: "must be integer" };
        vErrors === null ? vErrors = [err2] : vErrors.push(err2), errors++;
      }
      if (typeof data1 == "number" && isFinite(data1)) {
        if (data1 > 65535 || isNaN(data1)) {
          let err3 = { instancePath: instancePath + "/port", schemaPath: "#/$defs/sshPort/maximum", keyword: "maximum", params: { comparison: "<=", limit: 65535 }, message: "must be <= 65535" };
          vErrors === null ? vErrors = [err3] : vErrors.push(err3), errors++;
        }
        if (data1 < 1 || isNaN(data1)) {
          let err4 = { instancePath: instancePath + "/port", schemaPath: "#/$defs/sshPort/minimum", keyword: "minimum", params: { comparison: ">=", limit: 1 }, message: "must be >= 1" };
          vErrors === null ? vErrors = [err4] : vErrors.push(err4), errors++;
        }
      }
    }
    if (data.hostKeys !== void 0) {
      let data2 = data.hostKeys;
      if (Array.isArray(data2)) {
        let len0 = data2.length;
        for (let i0 = 0; i0 < len0; i0++)
          if (typeof data2[i0] != "string") {
            let err5 = { instancePath: instancePath + "/hostKeys/" + i0, schemaPath: "#/$defs/hostKeys/items/type", keyword: "type", params: { type: "string" }, message: "must be string" };
            vErrors === null ? vErrors = [err5] : vErrors.push(err5), errors++;
          }
      } else {
        let err6 = { instancePath: instancePath + "/hostKeys", schemaPath: "#/$defs/hostKeys/type", keyword: "type", params: { type: "array" }, message: "must be array" };
        vErrors === null ? vErrors = [err6] : vErrors.push(err6), errors++;
      }
    }
    if (data.login !== void 0) {
      let data4 = data.login;
      if (data4 && typeof data4 == "object" && !Array.isArray(data4)) {
        for (let key1 in data4)
          if (!(key1 === "user" || key1 === "identityFile" || key1 === "sudo")) {
            let err7 = { instancePath: instancePath + "/login", schemaPath: "#/$defs/login/additionalProperties", keyword: "additionalProperties", params: { additionalProperty: key1 }, message: "must NOT have additional properties" };
            vErrors === null ? vErrors = [err7] : vErrors.push(err7), errors++;
          }
        if (data4.user !== void 0) {
          let data5 = data4.user;
          if (typeof data5 == "string") {
            if (!pattern4.test(data5)) {
              let err8 = { instancePath: instancePath + "/login/user", schemaPath: "#/$defs/login/properties/user/pattern", keyword: "pattern", params: { pattern: "^[A-Za-z_][A-Za-z0-9_.-]*[$]?$" }, message: 'must match pattern "^[A-Za-z_][A-Za-z0-9_.-]*[$]?$"' };
              vErrors === null ? vErrors = [err8] : vErrors.push(err8), errors++;
            }
          } else {
            let err9 = { instancePath: instancePath + "/login/user", schemaPath: "#/$defs/login/properties/user/type", keyword: "type", params: { type: "string" }, message: "must be string" };
            vErrors === null ? vErrors = [err9] : vErrors.push(err9), errors++;
          }
        }
        if (data4.identityFile !== void 0 && typeof data4.identityFile != "string") {
          let err10 = { instancePath: instancePath + "/login/identityFile", schemaPath: "#/$defs/login/properties/identityFile/type", keyword: "type", params: { type: "string" }, message: "must be string" };
          vErrors === null ? vErrors = [err10] : vErrors.push(err10), errors++;
        }
        if (data4.sudo !== void 0 && typeof data4.sudo != "boolean") {
          let err11 = { instancePath: instancePath + "/login/sudo", schemaPath: "#/$defs/login/properties/sudo/type", keyword: "type", params: { type: "boolean" }, message: "must be boolean" };
          vErrors === null ? vErrors = [err11] : vErrors.push(err11), errors++;
        }
      } else {
        let err12 = { instancePath: instancePath + "/login", schemaPath: "#/$defs/login/type", keyword: "type", params: { type: "object" }, message: "must be object" };
        vErrors === null ? vErrors = [err12] : vErrors.push(err12), errors++;
      }
    }
    if (data.accounts !== void 0 && (validate22(data.accounts, { instancePath: instancePath + "/accounts", parentData: data, parentDataProperty: "accounts", rootData, dynamicAnchors }) || (vErrors = vErrors === null ? validate22.errors : vErrors.concat(validate22.errors), errors = vErrors.length)), data.dial !== void 0 && (validate24(data.dial, { instancePath: instancePath + "/dial", parentData: data, parentDataProperty: "dial", rootData, dynamicAnchors }) || (vErrors = vErrors === null ? validate24.errors : vErrors.concat(validate24.errors), errors = vErrors.length)), data.tunnelAccount !== void 0) {
      let data10 = data.tunnelAccount;
      if (typeof data10 == "string") {
        if (!pattern7.test(data10)) {
          let err13 = { instancePath: instancePath + "/tunnelAccount", schemaPath: "#/properties/tunnelAccount/pattern", keyword: "pattern", params: { pattern: "^[a-z_][a-z0-9_-]*[$]?$" }, message: 'must match pattern "^[a-z_][a-z0-9_-]*[$]?$"' };
          vErrors === null ? vErrors = [err13] : vErrors.push(err13), errors++;
        }
      } else {
        let err14 = { instancePath: instancePath + "/tunnelAccount", schemaPath: "#/properties/tunnelAccount/type", keyword: "type", params: { type: "string" }, message: "must be string" };
        vErrors === null ? vErrors = [err14] : vErrors.push(err14), errors++;
      }
    }
  } else {
    let err15 = { instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" }, message: "must be object" };
    vErrors === null ? vErrors = [err15] : vErrors.push(err15), errors++;
  }
  return validate21.errors = vErrors, errors === 0;
}
validate21.evaluated = { props: !0, dynamicProps: !1, dynamicItems: !1 };
var schema44 = { description: "A machine that nobody can call. Its forwards are the doors that it opens on its gateways.", type: "object", additionalProperties: !1, properties: { address: { $ref: "#/$defs/address" }, port: { $ref: "#/$defs/sshPort" }, hostKeys: { $ref: "#/$defs/hostKeys" }, login: { $ref: "#/$defs/login" }, accounts: { $ref: "#/$defs/accounts" }, forwards: { description: "The ports that this device opens on its gateways, each leading to a host and port that the device can reach.", type: "array", items: { $ref: "#/$defs/forward" } }, via: { description: 'Ways in for provision itself, tried in order: "direct" (straight to its address), "forward" (through its own forward on the gateway), or the name of a gateway to jump through. Default: ["direct", "forward"].', type: "array", minItems: 1, uniqueItems: !0, default: ["direct", "forward"], items: { type: "string", examples: ["direct", "forward"] } }, supervisor: { description: 'What keeps the tunnel alive on the device: "systemd" (plain ssh under systemd, the default) or "autossh".', type: "string", enum: ["systemd", "autossh"], default: "systemd" } } };
var schema50 = { description: "One forward, its parts by name.", type: "object", additionalProperties: !1, required: ["port", "host", "hostPort"], properties: { gateway: { description: "The name of the gateway that listens. May be left out where there is only one.", type: "string" }, bindAddress: { description: 'The address on the gateway that listens. Default: 127.0.0.1. "*" means all of them; anything but loopback needs "expose": true.', type: "string", default: "127.0.0.1" }, port: { description: "The port on the gateway that listens.", $ref: "#/$defs/port" }, host: { description: 'Where the forward leads, as the device sees it: "localhost" is the device itself. IPv6 addresses without brackets.', type: "string", examples: ["localhost"] }, hostPort: { description: "The port on that host. 22 is sshd.", $ref: "#/$defs/port" }, listener: { description: 'Who opens the port on the gateway. "sshd": sshd does, as with ssh -R. "socket" (not available yet): systemd owns the port, so that a stale session never holds it and ports below 1024 work.', type: "string", enum: ["sshd", "socket"], default: "sshd" }, expose: { description: "true: other machines than the gateway may reach this port. Needed where the bind address is not loopback.", type: "boolean", default: !1 } } };
function validate30(data, { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {}) {
  let vErrors = null, errors = 0, evaluated0 = validate30.evaluated;
  if (evaluated0.dynamicProps && (evaluated0.props = void 0), evaluated0.dynamicItems && (evaluated0.items = void 0), data && typeof data == "object" && !Array.isArray(data)) {
    if (data.port === void 0) {
      let err0 = { instancePath, schemaPath: "#/required", keyword: "required", params: { missingProperty: "port" }, message: "must have required property 'port'" };
      vErrors === null ? vErrors = [err0] : vErrors.push(err0), errors++;
    }
    if (data.host === void 0) {
      let err1 = { instancePath, schemaPath: "#/required", keyword: "required", params: { missingProperty: "host" }, message: "must have required property 'host'" };
      vErrors === null ? vErrors = [err1] : vErrors.push(err1), errors++;
    }
    if (data.hostPort === void 0) {
      let err2 = { instancePath, schemaPath: "#/required", keyword: "required", params: { missingProperty: "hostPort" }, message: "must have required property 'hostPort'" };
      vErrors === null ? vErrors = [err2] : vErrors.push(err2), errors++;
    }
    for (let key0 in data)
      if (!(key0 === "gateway" || key0 === "bindAddress" || key0 === "port" || key0 === "host" || key0 === "hostPort" || key0 === "listener" || key0 === "expose")) {
        let err3 = { instancePath, schemaPath: "#/additionalProperties", keyword: "additionalProperties", params: { additionalProperty: key0 }, message: "must NOT have additional properties" };
        vErrors === null ? vErrors = [err3] : vErrors.push(err3), errors++;
      }
    if (data.gateway !== void 0 && typeof data.gateway != "string") {
      let err4 = { instancePath: instancePath + "/gateway", schemaPath: "#/properties/gateway/type", keyword: "type", params: { type: "string" }, message: "must be string" };
      vErrors === null ? vErrors = [err4] : vErrors.push(err4), errors++;
    }
    if (data.bindAddress !== void 0 && typeof data.bindAddress != "string") {
      let err5 = { instancePath: instancePath + "/bindAddress", schemaPath: "#/properties/bindAddress/type", keyword: "type", params: { type: "string" }, message: "must be string" };
      vErrors === null ? vErrors = [err5] : vErrors.push(err5), errors++;
    }
    if (data.port !== void 0) {
      let data2 = data.port;
      if (!(typeof data2 == "number" && !(data2 % 1) && !isNaN(data2) && isFinite(data2))) {
        let err6 = { instancePath: instancePath + "/port", schemaPath: "#/$defs/port/type", keyword: "type", params: { type: "integer" }, message: "must be integer" };
        vErrors === null ? vErrors = [err6] : vErrors.push(err6), errors++;
      }
      if (typeof data2 == "number" && isFinite(data2)) {
        if (data2 > 65535 || isNaN(data2)) {
          let err7 = { instancePath: instancePath + "/port", schemaPath: "#/$defs/port/maximum", keyword: "maximum", params: { comparison: "<=", limit: 65535 }, message: "must be <= 65535" };
          vErrors === null ? vErrors = [err7] : vErrors.push(err7), errors++;
        }
        if (data2 < 1 || isNaN(data2)) {
          let err8 = { instancePath: instancePath + "/port", schemaPath: "#/$defs/port/minimum", keyword: "minimum", params: { comparison: ">=", limit: 1 }, message: "must be >= 1" };
          vErrors === null ? vErrors = [err8] : vErrors.push(err8), errors++;
        }
      }
    }
    if (data.host !== void 0 && typeof data.host != "string") {
      let err9 = { instancePath: instancePath + "/host", schemaPath: "#/properties/host/type", keyword: "type", params: { type: "string" }, message: "must be string" };
      vErrors === null ? vErrors = [err9] : vErrors.push(err9), errors++;
    }
    if (data.hostPort !== void 0) {
      let data4 = data.hostPort;
      if (!(typeof data4 == "number" && !(data4 % 1) && !isNaN(data4) && isFinite(data4))) {
        let err10 = { instancePath: instancePath + "/hostPort", schemaPath: "#/$defs/port/type", keyword: "type", params: { type: "integer" }, message: "must be integer" };
        vErrors === null ? vErrors = [err10] : vErrors.push(err10), errors++;
      }
      if (typeof data4 == "number" && isFinite(data4)) {
        if (data4 > 65535 || isNaN(data4)) {
          let err11 = { instancePath: instancePath + "/hostPort", schemaPath: "#/$defs/port/maximum", keyword: "maximum", params: { comparison: "<=", limit: 65535 }, message: "must be <= 65535" };
          vErrors === null ? vErrors = [err11] : vErrors.push(err11), errors++;
        }
        if (data4 < 1 || isNaN(data4)) {
          let err12 = { instancePath: instancePath + "/hostPort", schemaPath: "#/$defs/port/minimum", keyword: "minimum", params: { comparison: ">=", limit: 1 }, message: "must be >= 1" };
          vErrors === null ? vErrors = [err12] : vErrors.push(err12), errors++;
        }
      }
    }
    if (data.listener !== void 0) {
      let data5 = data.listener;
      if (typeof data5 != "string") {
        let err13 = { instancePath: instancePath + "/listener", schemaPath: "#/properties/listener/type", keyword: "type", params: { type: "string" }, message: "must be string" };
        vErrors === null ? vErrors = [err13] : vErrors.push(err13), errors++;
      }
      if (!(data5 === "sshd" || data5 === "socket")) {
        let err14 = { instancePath: instancePath + "/listener", schemaPath: "#/properties/listener/enum", keyword: "enum", params: { allowedValues: schema50.properties.listener.enum }, message: "must be equal to one of the allowed values" };
        vErrors === null ? vErrors = [err14] : vErrors.push(err14), errors++;
      }
    }
    if (data.expose !== void 0 && typeof data.expose != "boolean") {
      let err15 = { instancePath: instancePath + "/expose", schemaPath: "#/properties/expose/type", keyword: "type", params: { type: "boolean" }, message: "must be boolean" };
      vErrors === null ? vErrors = [err15] : vErrors.push(err15), errors++;
    }
  } else {
    let err16 = { instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" }, message: "must be object" };
    vErrors === null ? vErrors = [err16] : vErrors.push(err16), errors++;
  }
  return validate30.errors = vErrors, errors === 0;
}
validate30.evaluated = { props: !0, dynamicProps: !1, dynamicItems: !1 };
function validate29(data, { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {}) {
  let vErrors = null, errors = 0, evaluated0 = validate29.evaluated;
  evaluated0.dynamicProps && (evaluated0.props = void 0), evaluated0.dynamicItems && (evaluated0.items = void 0);
  let _errs0 = errors, valid0 = !1, _errs1 = errors;
  if (typeof data != "string") {
    let err0 = { instancePath, schemaPath: "#/anyOf/0/type", keyword: "type", params: { type: "string" }, message: "must be string" };
    vErrors === null ? vErrors = [err0] : vErrors.push(err0), errors++;
  }
  var _valid0 = _errs1 === errors;
  valid0 = valid0 || _valid0;
  let _errs3 = errors;
  validate30(data, { instancePath, parentData, parentDataProperty, rootData, dynamicAnchors }) || (vErrors = vErrors === null ? validate30.errors : vErrors.concat(validate30.errors), errors = vErrors.length);
  var _valid0 = _errs3 === errors;
  if (valid0 = valid0 || _valid0, _valid0)
    var props0 = !0;
  if (valid0)
    errors = _errs0, vErrors !== null && (_errs0 ? vErrors.length = _errs0 : vErrors = null);
  else {
    let err1 = { instancePath, schemaPath: "#/anyOf", keyword: "anyOf", params: {}, message: "must match a schema in anyOf" };
    vErrors === null ? vErrors = [err1] : vErrors.push(err1), errors++;
  }
  return validate29.errors = vErrors, evaluated0.props = props0, errors === 0;
}
validate29.evaluated = { dynamicProps: !0, dynamicItems: !1 };
function validate27(data, { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {}) {
  let vErrors = null, errors = 0, evaluated0 = validate27.evaluated;
  if (evaluated0.dynamicProps && (evaluated0.props = void 0), evaluated0.dynamicItems && (evaluated0.items = void 0), data && typeof data == "object" && !Array.isArray(data)) {
    for (let key0 in data)
      if (!(key0 === "address" || key0 === "port" || key0 === "hostKeys" || key0 === "login" || key0 === "accounts" || key0 === "forwards" || key0 === "via" || key0 === "supervisor")) {
        let err0 = { instancePath, schemaPath: "#/additionalProperties", keyword: "additionalProperties", params: { additionalProperty: key0 }, message: "must NOT have additional properties" };
        vErrors === null ? vErrors = [err0] : vErrors.push(err0), errors++;
      }
    if (data.address !== void 0 && typeof data.address != "string") {
      let err1 = { instancePath: instancePath + "/address", schemaPath: "#/$defs/address/type", keyword: "type", params: { type: "string" }, message: "must be string" };
      vErrors === null ? vErrors = [err1] : vErrors.push(err1), errors++;
    }
    if (data.port !== void 0) {
      let data1 = data.port;
      if (!(typeof data1 == "number" && !(data1 % 1) && !isNaN(data1) && isFinite(data1))) {
        let err2 = { instancePath: instancePath + "/port", schemaPath: "#/$defs/sshPort/type", keyword: "type", params: { type: "integer" }, message: "must be integer" };
        vErrors === null ? vErrors = [err2] : vErrors.push(err2), errors++;
      }
      if (typeof data1 == "number" && isFinite(data1)) {
        if (data1 > 65535 || isNaN(data1)) {
          let err3 = { instancePath: instancePath + "/port", schemaPath: "#/$defs/sshPort/maximum", keyword: "maximum", params: { comparison: "<=", limit: 65535 }, message: "must be <= 65535" };
          vErrors === null ? vErrors = [err3] : vErrors.push(err3), errors++;
        }
        if (data1 < 1 || isNaN(data1)) {
          let err4 = { instancePath: instancePath + "/port", schemaPath: "#/$defs/sshPort/minimum", keyword: "minimum", params: { comparison: ">=", limit: 1 }, message: "must be >= 1" };
          vErrors === null ? vErrors = [err4] : vErrors.push(err4), errors++;
        }
      }
    }
    if (data.hostKeys !== void 0) {
      let data2 = data.hostKeys;
      if (Array.isArray(data2)) {
        let len0 = data2.length;
        for (let i0 = 0; i0 < len0; i0++)
          if (typeof data2[i0] != "string") {
            let err5 = { instancePath: instancePath + "/hostKeys/" + i0, schemaPath: "#/$defs/hostKeys/items/type", keyword: "type", params: { type: "string" }, message: "must be string" };
            vErrors === null ? vErrors = [err5] : vErrors.push(err5), errors++;
          }
      } else {
        let err6 = { instancePath: instancePath + "/hostKeys", schemaPath: "#/$defs/hostKeys/type", keyword: "type", params: { type: "array" }, message: "must be array" };
        vErrors === null ? vErrors = [err6] : vErrors.push(err6), errors++;
      }
    }
    if (data.login !== void 0) {
      let data4 = data.login;
      if (data4 && typeof data4 == "object" && !Array.isArray(data4)) {
        for (let key1 in data4)
          if (!(key1 === "user" || key1 === "identityFile" || key1 === "sudo")) {
            let err7 = { instancePath: instancePath + "/login", schemaPath: "#/$defs/login/additionalProperties", keyword: "additionalProperties", params: { additionalProperty: key1 }, message: "must NOT have additional properties" };
            vErrors === null ? vErrors = [err7] : vErrors.push(err7), errors++;
          }
        if (data4.user !== void 0) {
          let data5 = data4.user;
          if (typeof data5 == "string") {
            if (!pattern4.test(data5)) {
              let err8 = { instancePath: instancePath + "/login/user", schemaPath: "#/$defs/login/properties/user/pattern", keyword: "pattern", params: { pattern: "^[A-Za-z_][A-Za-z0-9_.-]*[$]?$" }, message: 'must match pattern "^[A-Za-z_][A-Za-z0-9_.-]*[$]?$"' };
              vErrors === null ? vErrors = [err8] : vErrors.push(err8), errors++;
            }
          } else {
            let err9 = { instancePath: instancePath + "/login/user", schemaPath: "#/$defs/login/properties/user/type", keyword: "type", params: { type: "string" }, message: "must be string" };
            vErrors === null ? vErrors = [err9] : vErrors.push(err9), errors++;
          }
        }
        if (data4.identityFile !== void 0 && typeof data4.identityFile != "string") {
          let err10 = { instancePath: instancePath + "/login/identityFile", schemaPath: "#/$defs/login/properties/identityFile/type", keyword: "type", params: { type: "string" }, message: "must be string" };
          vErrors === null ? vErrors = [err10] : vErrors.push(err10), errors++;
        }
        if (data4.sudo !== void 0 && typeof data4.sudo != "boolean") {
          let err11 = { instancePath: instancePath + "/login/sudo", schemaPath: "#/$defs/login/properties/sudo/type", keyword: "type", params: { type: "boolean" }, message: "must be boolean" };
          vErrors === null ? vErrors = [err11] : vErrors.push(err11), errors++;
        }
      } else {
        let err12 = { instancePath: instancePath + "/login", schemaPath: "#/$defs/login/type", keyword: "type", params: { type: "object" }, message: "must be object" };
        vErrors === null ? vErrors = [err12] : vErrors.push(err12), errors++;
      }
    }
    if (data.accounts !== void 0 && (validate22(data.accounts, { instancePath: instancePath + "/accounts", parentData: data, parentDataProperty: "accounts", rootData, dynamicAnchors }) || (vErrors = vErrors === null ? validate22.errors : vErrors.concat(validate22.errors), errors = vErrors.length)), data.forwards !== void 0) {
      let data9 = data.forwards;
      if (Array.isArray(data9)) {
        let len1 = data9.length;
        for (let i1 = 0; i1 < len1; i1++)
          validate29(data9[i1], { instancePath: instancePath + "/forwards/" + i1, parentData: data9, parentDataProperty: i1, rootData, dynamicAnchors }) || (vErrors = vErrors === null ? validate29.errors : vErrors.concat(validate29.errors), errors = vErrors.length);
      } else {
        let err13 = { instancePath: instancePath + "/forwards", schemaPath: "#/properties/forwards/type", keyword: "type", params: { type: "array" }, message: "must be array" };
        vErrors === null ? vErrors = [err13] : vErrors.push(err13), errors++;
      }
    }
    if (data.via !== void 0) {
      let data11 = data.via;
      if (Array.isArray(data11)) {
        if (data11.length < 1) {
          let err14 = { instancePath: instancePath + "/via", schemaPath: "#/properties/via/minItems", keyword: "minItems", params: { limit: 1 }, message: "must NOT have fewer than 1 items" };
          vErrors === null ? vErrors = [err14] : vErrors.push(err14), errors++;
        }
        let len2 = data11.length;
        for (let i2 = 0; i2 < len2; i2++)
          if (typeof data11[i2] != "string") {
            let err15 = { instancePath: instancePath + "/via/" + i2, schemaPath: "#/properties/via/items/type", keyword: "type", params: { type: "string" }, message: "must be string" };
            vErrors === null ? vErrors = [err15] : vErrors.push(err15), errors++;
          }
        let i3 = data11.length, j0;
        if (i3 > 1) {
          let indices0 = {};
          for (; i3--; ) {
            let item0 = data11[i3];
            if (typeof item0 == "string") {
              if (typeof indices0[item0] == "number") {
                j0 = indices0[item0];
                let err16 = { instancePath: instancePath + "/via", schemaPath: "#/properties/via/uniqueItems", keyword: "uniqueItems", params: { i: i3, j: j0 }, message: "must NOT have duplicate items (items ## " + j0 + " and " + i3 + " are identical)" };
                vErrors === null ? vErrors = [err16] : vErrors.push(err16), errors++;
                break;
              }
              indices0[item0] = i3;
            }
          }
        }
      } else {
        let err17 = { instancePath: instancePath + "/via", schemaPath: "#/properties/via/type", keyword: "type", params: { type: "array" }, message: "must be array" };
        vErrors === null ? vErrors = [err17] : vErrors.push(err17), errors++;
      }
    }
    if (data.supervisor !== void 0) {
      let data13 = data.supervisor;
      if (typeof data13 != "string") {
        let err18 = { instancePath: instancePath + "/supervisor", schemaPath: "#/properties/supervisor/type", keyword: "type", params: { type: "string" }, message: "must be string" };
        vErrors === null ? vErrors = [err18] : vErrors.push(err18), errors++;
      }
      if (!(data13 === "systemd" || data13 === "autossh")) {
        let err19 = { instancePath: instancePath + "/supervisor", schemaPath: "#/properties/supervisor/enum", keyword: "enum", params: { allowedValues: schema44.properties.supervisor.enum }, message: "must be equal to one of the allowed values" };
        vErrors === null ? vErrors = [err19] : vErrors.push(err19), errors++;
      }
    }
  } else {
    let err20 = { instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" }, message: "must be object" };
    vErrors === null ? vErrors = [err20] : vErrors.push(err20), errors++;
  }
  return validate27.errors = vErrors, errors === 0;
}
validate27.evaluated = { props: !0, dynamicProps: !1, dynamicItems: !1 };
function validate34(data, { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {}) {
  let vErrors = null, errors = 0, evaluated0 = validate34.evaluated;
  if (evaluated0.dynamicProps && (evaluated0.props = void 0), evaluated0.dynamicItems && (evaluated0.items = void 0), data && typeof data == "object" && !Array.isArray(data)) {
    for (let key0 in data)
      if (!(key0 === "user" || key0 === "identityFile" || key0 === "port")) {
        let err0 = { instancePath, schemaPath: "#/additionalProperties", keyword: "additionalProperties", params: { additionalProperty: key0 }, message: "must NOT have additional properties" };
        vErrors === null ? vErrors = [err0] : vErrors.push(err0), errors++;
      }
    if (data.user !== void 0) {
      let data0 = data.user;
      if (typeof data0 == "string") {
        if (!pattern4.test(data0)) {
          let err1 = { instancePath: instancePath + "/user", schemaPath: "#/properties/user/pattern", keyword: "pattern", params: { pattern: "^[A-Za-z_][A-Za-z0-9_.-]*[$]?$" }, message: 'must match pattern "^[A-Za-z_][A-Za-z0-9_.-]*[$]?$"' };
          vErrors === null ? vErrors = [err1] : vErrors.push(err1), errors++;
        }
      } else {
        let err2 = { instancePath: instancePath + "/user", schemaPath: "#/properties/user/type", keyword: "type", params: { type: "string" }, message: "must be string" };
        vErrors === null ? vErrors = [err2] : vErrors.push(err2), errors++;
      }
    }
    if (data.identityFile !== void 0 && typeof data.identityFile != "string") {
      let err3 = { instancePath: instancePath + "/identityFile", schemaPath: "#/properties/identityFile/type", keyword: "type", params: { type: "string" }, message: "must be string" };
      vErrors === null ? vErrors = [err3] : vErrors.push(err3), errors++;
    }
    if (data.port !== void 0) {
      let data2 = data.port;
      if (!(typeof data2 == "number" && !(data2 % 1) && !isNaN(data2) && isFinite(data2))) {
        let err4 = { instancePath: instancePath + "/port", schemaPath: "#/$defs/port/type", keyword: "type", params: { type: "integer" }, message: "must be integer" };
        vErrors === null ? vErrors = [err4] : vErrors.push(err4), errors++;
      }
      if (typeof data2 == "number" && isFinite(data2)) {
        if (data2 > 65535 || isNaN(data2)) {
          let err5 = { instancePath: instancePath + "/port", schemaPath: "#/$defs/port/maximum", keyword: "maximum", params: { comparison: "<=", limit: 65535 }, message: "must be <= 65535" };
          vErrors === null ? vErrors = [err5] : vErrors.push(err5), errors++;
        }
        if (data2 < 1 || isNaN(data2)) {
          let err6 = { instancePath: instancePath + "/port", schemaPath: "#/$defs/port/minimum", keyword: "minimum", params: { comparison: ">=", limit: 1 }, message: "must be >= 1" };
          vErrors === null ? vErrors = [err6] : vErrors.push(err6), errors++;
        }
      }
    }
  } else {
    let err7 = { instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" }, message: "must be object" };
    vErrors === null ? vErrors = [err7] : vErrors.push(err7), errors++;
  }
  return validate34.errors = vErrors, errors === 0;
}
validate34.evaluated = { props: !0, dynamicProps: !1, dynamicItems: !1 };
function validate20(data, { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {}) {
  let vErrors = null, errors = 0, evaluated0 = validate20.evaluated;
  if (evaluated0.dynamicProps && (evaluated0.props = void 0), evaluated0.dynamicItems && (evaluated0.items = void 0), data && typeof data == "object" && !Array.isArray(data)) {
    for (let key0 in data)
      if (!(key0 === "$schema" || key0 === "login" || key0 === "gateways" || key0 === "devices" || key0 === "clients")) {
        let err0 = { instancePath, schemaPath: "#/additionalProperties", keyword: "additionalProperties", params: { additionalProperty: key0 }, message: "must NOT have additional properties" };
        vErrors === null ? vErrors = [err0] : vErrors.push(err0), errors++;
      }
    if (data.$schema !== void 0 && typeof data.$schema != "string") {
      let err1 = { instancePath: instancePath + "/$schema", schemaPath: "#/properties/%24schema/type", keyword: "type", params: { type: "string" }, message: "must be string" };
      vErrors === null ? vErrors = [err1] : vErrors.push(err1), errors++;
    }
    if (data.login !== void 0) {
      let data1 = data.login;
      if (data1 && typeof data1 == "object" && !Array.isArray(data1)) {
        for (let key1 in data1)
          if (!(key1 === "user" || key1 === "identityFile" || key1 === "sudo")) {
            let err2 = { instancePath: instancePath + "/login", schemaPath: "#/$defs/login/additionalProperties", keyword: "additionalProperties", params: { additionalProperty: key1 }, message: "must NOT have additional properties" };
            vErrors === null ? vErrors = [err2] : vErrors.push(err2), errors++;
          }
        if (data1.user !== void 0) {
          let data2 = data1.user;
          if (typeof data2 == "string") {
            if (!pattern4.test(data2)) {
              let err3 = { instancePath: instancePath + "/login/user", schemaPath: "#/$defs/login/properties/user/pattern", keyword: "pattern", params: { pattern: "^[A-Za-z_][A-Za-z0-9_.-]*[$]?$" }, message: 'must match pattern "^[A-Za-z_][A-Za-z0-9_.-]*[$]?$"' };
              vErrors === null ? vErrors = [err3] : vErrors.push(err3), errors++;
            }
          } else {
            let err4 = { instancePath: instancePath + "/login/user", schemaPath: "#/$defs/login/properties/user/type", keyword: "type", params: { type: "string" }, message: "must be string" };
            vErrors === null ? vErrors = [err4] : vErrors.push(err4), errors++;
          }
        }
        if (data1.identityFile !== void 0 && typeof data1.identityFile != "string") {
          let err5 = { instancePath: instancePath + "/login/identityFile", schemaPath: "#/$defs/login/properties/identityFile/type", keyword: "type", params: { type: "string" }, message: "must be string" };
          vErrors === null ? vErrors = [err5] : vErrors.push(err5), errors++;
        }
        if (data1.sudo !== void 0 && typeof data1.sudo != "boolean") {
          let err6 = { instancePath: instancePath + "/login/sudo", schemaPath: "#/$defs/login/properties/sudo/type", keyword: "type", params: { type: "boolean" }, message: "must be boolean" };
          vErrors === null ? vErrors = [err6] : vErrors.push(err6), errors++;
        }
      } else {
        let err7 = { instancePath: instancePath + "/login", schemaPath: "#/$defs/login/type", keyword: "type", params: { type: "object" }, message: "must be object" };
        vErrors === null ? vErrors = [err7] : vErrors.push(err7), errors++;
      }
    }
    if (data.gateways !== void 0) {
      let data5 = data.gateways;
      if (data5 && typeof data5 == "object" && !Array.isArray(data5)) {
        for (let key2 in data5) {
          let _errs16 = errors;
          if (typeof key2 == "string") {
            if (!pattern5.test(key2)) {
              let err8 = { instancePath: instancePath + "/gateways", schemaPath: "#/$defs/hostName/pattern", keyword: "pattern", params: { pattern: "^[A-Za-z0-9_][A-Za-z0-9._-]*$" }, message: 'must match pattern "^[A-Za-z0-9_][A-Za-z0-9._-]*$"', propertyName: key2 };
              vErrors === null ? vErrors = [err8] : vErrors.push(err8), errors++;
            }
          } else {
            let err9 = { instancePath: instancePath + "/gateways", schemaPath: "#/$defs/hostName/type", keyword: "type", params: { type: "string" }, message: "must be string", propertyName: key2 };
            vErrors === null ? vErrors = [err9] : vErrors.push(err9), errors++;
          }
          var valid3 = _errs16 === errors;
          if (!valid3) {
            let err10 = { instancePath: instancePath + "/gateways", schemaPath: "#/properties/gateways/propertyNames", keyword: "propertyNames", params: { propertyName: key2 }, message: "property name must be valid" };
            vErrors === null ? vErrors = [err10] : vErrors.push(err10), errors++;
          }
        }
        for (let key3 in data5)
          validate21(data5[key3], { instancePath: instancePath + "/gateways/" + key3.replace(/~/g, "~0").replace(/\//g, "~1"), parentData: data5, parentDataProperty: key3, rootData, dynamicAnchors }) || (vErrors = vErrors === null ? validate21.errors : vErrors.concat(validate21.errors), errors = vErrors.length);
      } else {
        let err11 = { instancePath: instancePath + "/gateways", schemaPath: "#/properties/gateways/type", keyword: "type", params: { type: "object" }, message: "must be object" };
        vErrors === null ? vErrors = [err11] : vErrors.push(err11), errors++;
      }
    }
    if (data.devices !== void 0) {
      let data7 = data.devices;
      if (data7 && typeof data7 == "object" && !Array.isArray(data7)) {
        for (let key4 in data7) {
          let _errs23 = errors;
          if (typeof key4 == "string") {
            if (!pattern5.test(key4)) {
              let err12 = { instancePath: instancePath + "/devices", schemaPath: "#/$defs/hostName/pattern", keyword: "pattern", params: { pattern: "^[A-Za-z0-9_][A-Za-z0-9._-]*$" }, message: 'must match pattern "^[A-Za-z0-9_][A-Za-z0-9._-]*$"', propertyName: key4 };
              vErrors === null ? vErrors = [err12] : vErrors.push(err12), errors++;
            }
          } else {
            let err13 = { instancePath: instancePath + "/devices", schemaPath: "#/$defs/hostName/type", keyword: "type", params: { type: "string" }, message: "must be string", propertyName: key4 };
            vErrors === null ? vErrors = [err13] : vErrors.push(err13), errors++;
          }
          var valid6 = _errs23 === errors;
          if (!valid6) {
            let err14 = { instancePath: instancePath + "/devices", schemaPath: "#/properties/devices/propertyNames", keyword: "propertyNames", params: { propertyName: key4 }, message: "property name must be valid" };
            vErrors === null ? vErrors = [err14] : vErrors.push(err14), errors++;
          }
        }
        for (let key5 in data7)
          validate27(data7[key5], { instancePath: instancePath + "/devices/" + key5.replace(/~/g, "~0").replace(/\//g, "~1"), parentData: data7, parentDataProperty: key5, rootData, dynamicAnchors }) || (vErrors = vErrors === null ? validate27.errors : vErrors.concat(validate27.errors), errors = vErrors.length);
      } else {
        let err15 = { instancePath: instancePath + "/devices", schemaPath: "#/properties/devices/type", keyword: "type", params: { type: "object" }, message: "must be object" };
        vErrors === null ? vErrors = [err15] : vErrors.push(err15), errors++;
      }
    }
    if (data.clients !== void 0) {
      let data9 = data.clients;
      if (data9 && typeof data9 == "object" && !Array.isArray(data9)) {
        for (let key6 in data9) {
          let _errs30 = errors;
          if (typeof key6 == "string") {
            if (!pattern5.test(key6)) {
              let err16 = { instancePath: instancePath + "/clients", schemaPath: "#/$defs/hostName/pattern", keyword: "pattern", params: { pattern: "^[A-Za-z0-9_][A-Za-z0-9._-]*$" }, message: 'must match pattern "^[A-Za-z0-9_][A-Za-z0-9._-]*$"', propertyName: key6 };
              vErrors === null ? vErrors = [err16] : vErrors.push(err16), errors++;
            }
          } else {
            let err17 = { instancePath: instancePath + "/clients", schemaPath: "#/$defs/hostName/type", keyword: "type", params: { type: "string" }, message: "must be string", propertyName: key6 };
            vErrors === null ? vErrors = [err17] : vErrors.push(err17), errors++;
          }
          var valid9 = _errs30 === errors;
          if (!valid9) {
            let err18 = { instancePath: instancePath + "/clients", schemaPath: "#/properties/clients/propertyNames", keyword: "propertyNames", params: { propertyName: key6 }, message: "property name must be valid" };
            vErrors === null ? vErrors = [err18] : vErrors.push(err18), errors++;
          }
        }
        for (let key7 in data9)
          validate34(data9[key7], { instancePath: instancePath + "/clients/" + key7.replace(/~/g, "~0").replace(/\//g, "~1"), parentData: data9, parentDataProperty: key7, rootData, dynamicAnchors }) || (vErrors = vErrors === null ? validate34.errors : vErrors.concat(validate34.errors), errors = vErrors.length);
      } else {
        let err19 = { instancePath: instancePath + "/clients", schemaPath: "#/properties/clients/type", keyword: "type", params: { type: "object" }, message: "must be object" };
        vErrors === null ? vErrors = [err19] : vErrors.push(err19), errors++;
      }
    }
  } else {
    let err20 = { instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" }, message: "must be object" };
    vErrors === null ? vErrors = [err20] : vErrors.push(err20), errors++;
  }
  return validate20.errors = vErrors, errors === 0;
}
validate20.evaluated = { props: !0, dynamicProps: !1, dynamicItems: !1 };
var keys = { "": ["$schema", "login", "gateways", "devices", "clients"], "/login": ["user", "identityFile", "sudo"], "/gateways/*": ["address", "port", "hostKeys", "login", "accounts", "dial", "tunnelAccount"], "/gateways/*/login": ["user", "identityFile", "sudo"], "/gateways/*/accounts/*": ["authorizedKeys", "exclusive"], "/gateways/*/dial": ["address", "port"], "/devices/*": ["address", "port", "hostKeys", "login", "accounts", "forwards", "via", "supervisor"], "/devices/*/login": ["user", "identityFile", "sudo"], "/devices/*/accounts/*": ["authorizedKeys", "exclusive"], "/devices/*/forwards/*": ["gateway", "bindAddress", "port", "host", "hostPort", "listener", "expose"], "/clients/*": ["user", "identityFile", "port"] };
export {
  keys,
  validate
};
